// A drawing as SVG: takes what the views ask of a canvas, and keeps it as elements.

const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
const rounded = (x) => String(Math.round(100 * x) / 100);
const ANCHORS = { left: "start", center: "middle", right: "end" }, SHIFTS = { top: 0.8, middle: 0.33, bottom: -0.22, alphabetic: 0 }; // of the text's size

export class VectorContext {
  // `measure`: a canvas's context, which knows the widths of texts; `name` begins the ids of this drawing.
  constructor(measure, name) {
    Object.assign(this, { measure, name, parts: [], path: "", dash: [], clips: 0, depth: [0], globalAlpha: 1, lineWidth: 1, fillStyle: "#000", strokeStyle: "#000", font: measure.font, textAlign: "left", textBaseline: "alphabetic" });
  }

  setTransform() {}
  clearRect() { this.parts = []; }
  setLineDash(dash) { this.dash = dash; }
  beginPath() { this.path = ""; }
  moveTo(x, y) { this.path += `M${rounded(x)} ${rounded(y)}`; }
  lineTo(x, y) { this.path += `L${rounded(x)} ${rounded(y)}`; }
  rect(x, y, w, h) { this.path += `M${rounded(x)} ${rounded(y)}h${rounded(w)}v${rounded(h)}h${rounded(-w)}z`; }
  arc(x, y, r) { this.path += `M${rounded(x - r)} ${rounded(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`; }

  add(tag, fields, inside = "") {
    const given = Object.entries({ ...fields, ...(this.globalAlpha < 1 ? { opacity: rounded(this.globalAlpha) } : {}) });
    this.parts.push(`<${tag}${given.map(([key, value]) => ` ${key}="${escaped(value)}"`).join("")}>${inside}</${tag}>`);
  }

  get pen() {
    return { fill: "none", stroke: this.strokeStyle, "stroke-width": rounded(this.lineWidth), "stroke-linejoin": "round", ...(this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {}) };
  }

  stroke() { if (this.path.includes("L") || this.path.includes("z")) this.add("path", { d: this.path, ...this.pen }); }
  fill() { this.add("path", { d: this.path, fill: this.fillStyle }); }
  strokeRect(x, y, width, height) { this.add("rect", { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height), ...this.pen }); }
  fillRect(x, y, width, height) { this.add("rect", { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height), fill: this.fillStyle }); }

  save() { this.depth.push(0); }
  restore() { this.parts.push("</g>".repeat(this.depth.pop())); }

  clip() {
    const id = `${this.name}-${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath><g clip-path="url(#${id})">`);
    this.depth[this.depth.length - 1] += 1;
  }

  measureText(text) {
    this.measure.font = this.font;
    return this.measure.measureText(text);
  }

  fillText(text, x, y) {
    const [, weight, size, family] = this.font.match(/^(\d+ )?([\d.]+)px (.*)$/);
    const shift = SHIFTS[this.textBaseline] * Number(size);
    this.add("text", { x: rounded(x), y: rounded(y + shift), fill: this.fillStyle, "font-size": size, "font-family": family, "text-anchor": ANCHORS[this.textAlign], ...(weight ? { "font-weight": weight.trim() } : {}) }, escaped(text));
  }

  drawImage(canvas, x, y, width, height) {
    this.add("image", { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height), preserveAspectRatio: "none", href: canvas.toDataURL("image/png") });
  }
}

// What a view draws, as elements.
export function drawnAsVector(view, name) {
  const { surface } = view, own = surface.context, taken = new VectorContext(own, name);
  surface.context = taken;
  try { view.draw(); } finally { surface.context = own; view.draw(); }
  return taken.parts.join("");
}
