// Long-time states over a parameter, column by column, with the Lyapunov exponent below.

import { grouped, paddedExtent, shortNumber } from "./numbers.js";
import { Area, marginsOf, Surface, visibleOn } from "./plot.js";

const TRANSIENT = 1200, KEPT = 256, LONGEST_SHOWN = 64, NEAR_RETURN = 1e-6; // steps of a column
const COARSEST = 16, MOST_COLUMNS = 1600;
const DARK_FROM = 0.05; // of all states of a column in one pixel: this is half of the ink

export class Diagram {
  constructor(page, figure) {
    this.page = page;
    this.canvas = figure.querySelector("canvas");
    this.legend = figure.querySelector("#legend");
    this.surface = new Surface(this.canvas, () => this.resize());
    figure.querySelector(".hint").textContent = `states after ${grouped(TRANSIENT)} steps; drag the cursor`;
    this.listen();
  }

  listen() {
    const move = (event) => {
      const { state } = this.page, box = this.canvas.getBoundingClientRect();
      state.setValue(state.over, Math.max(state.from, Math.min(state.to, this.area.xAt(event.clientX - box.left))));
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (!this.area || event.button !== 0) return;
      this.canvas.setPointerCapture(event.pointerId);
      this.dragging = true;
      move(event);
    });
    this.canvas.addEventListener("pointermove", (event) => { if (this.dragging) move(event); });
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => { this.dragging = false; });
    this.canvas.addEventListener("keydown", (event) => {
      const { state } = this.page, reach = state.to - state.from, part = event.shiftKey ? 0.02 : 0.001;
      const move = { ArrowLeft: -part, ArrowDown: -part, ArrowRight: part, ArrowUp: part, PageDown: -0.1, PageUp: 0.1 }[event.key];
      const value = event.key === "Home" ? state.from : event.key === "End" ? state.to : state.value + (move ?? NaN) * reach;
      if (!Number.isFinite(value)) return;
      event.preventDefault();
      state.setValue(state.over, Math.max(state.from, Math.min(state.to, value)));
    });
  }

  // As many columns as the screen has, up to a limit.
  columns() {
    this.margins = marginsOf(this.surface.prepare());
    const width = this.surface.width - this.margins.left - this.margins.right;
    return Math.max(16, Math.min(MOST_COLUMNS, Math.round(width * Math.min(2, this.surface.density))));
  }

  // A picture of the same columns is painted anew from their states.
  resize() {
    if (this.surface.ready && this.columns() === this.count) { this.image = null; this.draw(); } else this.restart();
  }

  // Begin anew: everything but the parameter of the diagram may have changed. The old picture stays until the first pass is done.
  restart() {
    if (!this.surface.ready || !this.page.orbit) return;
    this.count = this.columns();
    this.states = new Float64Array(this.count * KEPT).fill(NaN);
    this.exponents = new Float64Array(this.count).fill(NaN);
    this.regimes = new Array(this.count).fill(null);
    this.stride = COARSEST;
    this.next = 0;
    this.range = null;
    this.image = null;
    this.page.wake();
  }

  get busy() { return this.stride >= 1 && this.states !== undefined; }

  // Compute columns until the deadline, coarse ones first.
  run(deadline) {
    const { engine, state } = this.page;
    engine.setParameters(state.values);
    while (this.busy && performance.now() < deadline) {
      const finer = this.stride < COARSEST && this.next % (2 * this.stride) === 0;
      if (!finer) this.column(this.next);
      this.next += this.stride;
      if (this.next >= this.count) this.finishPass();
    }
    engine.setParameters(state.values);
    this.draw();
  }

  finishPass() {
    if (this.range === null) {
      const values = this.states.filter(Number.isFinite).sort(), at = (part) => values[Math.floor(part * (values.length - 1))];
      this.range = values.length ? paddedExtent([at(0.005), at(0.995)], 0.08) : [-1, 1];
      this.image = null;
    }
    this.next = 0;
    this.stride = this.stride === 1 ? 0 : this.stride / 2;
    if (!this.busy) this.tellLegend();
  }

  column(k) {
    const { engine, state } = this.page, value = state.from + ((state.to - state.from) * (k + 0.5)) / this.count;
    engine.setParameter(state.over, value);
    const z = Float64Array.from(state.start), d = engine.dim;
    const first = engine.advance(z, TRANSIENT), { taken, states } = first === TRANSIENT ? engine.orbit(z, KEPT - 1) : { taken: 0 };
    if (taken < KEPT - 1) { this.regimes[k] = "divergent"; this.paint(k); return; }
    for (let i = 0; i < KEPT; i++) this.states[k * KEPT + i] = states[i * d + state.entry];
    const period = engine.period(KEPT, LONGEST_SHOWN, NEAR_RETURN, 1e-9);
    this.exponents[k] = engine.stretching(KEPT, engine.direction());
    const irregular = period === 0 && this.exponents[k] > 0.005 ? "chaotic" : "undecided";
    if (d > engine.weights && !engine.rules.threshold) this.regimes[k] = "undecided"; // averages fall for much longer
    else this.regimes[k] = period === 0 || this.exponents[k] > 1e-3 ? irregular : period === 1 ? "fixed point" : period > 10 ? "period" : `period ${period}`;
    this.paint(k);
  }

  // The states of a column, as wide as the columns of this pass: the more in a pixel, the darker.
  paint(k) {
    if (this.range === null) return;
    if (this.image === null) {
      this.layer = document.createElement("canvas");
      const height = Math.round(this.rectangle()[3] * this.surface.density);
      [this.layer.width, this.layer.height] = [this.count, height];
      this.image = this.layer.getContext("2d").createImageData(this.count, height);
      this.rows = new Float64Array(height);
      const ink = this.page.theme.ink;
      this.ink = [1, 3, 5].map((i) => parseInt(ink.slice(i, i + 2), 16));
      this.dirty = true;
      for (let j = 0; j < this.count; j++) if (this.regimes[j] !== null && j !== k) this.paint(j);
    }
    const { rows, image, count } = this, height = rows.length, [lo, hi] = this.range, size = Math.max(1, Math.round(this.surface.density / 2));
    rows.fill(0);
    for (let i = 0; i < KEPT; i++) {
      const row = Math.round(((hi - this.states[k * KEPT + i]) / (hi - lo)) * (height - 1));
      if (row >= 0 && row < height) for (let j = 0; j < size + 1; j++) if (row + j < height) rows[row + j] += 1 / KEPT;
    }
    const end = Math.min(count, k + Math.max(1, this.stride));
    for (let row = 0; row < height; row++) {
      const alpha = rows[row] > 0 ? 255 * (0.16 + 0.84 * (1 - 2 ** (-rows[row] / DARK_FROM))) : 0;
      for (let x = k; x < end; x++) {
        const at = 4 * (row * count + x);
        image.data[at] = this.ink[0]; image.data[at + 1] = this.ink[1]; image.data[at + 2] = this.ink[2]; image.data[at + 3] = alpha;
      }
    }
    this.dirty = true;
  }

  rectangle() {
    const m = this.margins, height = this.surface.height - 2 * m.top - m.bottom - this.strip;
    return [m.left, m.top, this.surface.width - m.left - m.right, Math.round(0.76 * height)];
  }

  get strip() { return 10; }

  draw() {
    if (!this.surface.ready || !this.states || !this.range) return;
    const { theme, state, scene } = this.page, c = this.surface.begin(), rectangle = this.rectangle(), [left, top, width, height] = rectangle;
    this.area = new Area(c, rectangle, [state.from, state.to], this.range);
    if (this.image === null) this.regimes.some((name, k) => name !== null && (this.paint(k), true));
    if (this.image && this.dirty) { this.layer.getContext("2d").putImageData(this.image, 0, 0); this.dirty = false; }
    if (this.image) { c.imageSmoothingEnabled = this.count !== Math.round(width * this.surface.density); c.drawImage(this.layer, left, top, width, height); }
    this.area.axes(theme, "", scene.names[state.entry], { xNumbers: false });
    this.drawStrip(c, left, top + height, width);
    const below = top + height + this.strip + this.margins.top;
    this.drawExponents(c, [left, below, width, this.surface.height - this.margins.bottom - below]);
    this.drawCursor(c, theme, top, this.surface.height - this.margins.bottom);
  }

  drawStrip(c, left, top, width) {
    const { colours } = this.page.scene;
    for (let k = 0; k < this.count; k++) {
      const known = this.regimes[k - (k % Math.max(1, this.stride))] ?? this.regimes[k - (k % COARSEST)];
      if (!known || known === "undecided") continue;
      c.fillStyle = colours[known];
      c.fillRect(left + (k * width) / this.count, top, width / this.count + 0.6, this.strip);
    }
  }

  drawExponents(c, rectangle) {
    const { theme, state, scene } = this.page, finite = [...this.exponents].filter(Number.isFinite);
    const least = Math.max(-1.5, Math.min(-0.05, ...finite)), most = Math.max(0.05, ...finite) * 1.15;
    const area = new Area(c, rectangle, [state.from, state.to], [least, most]);
    area.axes(theme, scene.labels[state.over] ?? state.over, "Lyapunov exponent per step");
    area.clip(() => {
      area.line([[state.from, 0], [state.to, 0]], theme.quiet, 1);
      const points = [];
      for (let k = 0; k < this.count; k++) if (this.regimes[k] !== null) points.push([state.from + ((state.to - state.from) * (k + 0.5)) / this.count, this.exponents[k]]);
      area.line(points, visibleOn(scene.colours.chaotic, theme), 1);
    });
  }

  drawCursor(c, theme, top, bottom) {
    const { state } = this.page, x = this.area.x(state.value);
    const words = `${state.over} = ${shortNumber(state.value, 5)}`;
    const said = { label: `${state.over}: cursor of the orbit diagram`, valuemin: state.from, valuemax: state.to, valuenow: state.value, valuetext: words };
    for (const [name, value] of Object.entries(said)) this.canvas.setAttribute(`aria-${name}`, value);
    if (!(x >= this.area.left && x <= this.area.left + this.area.width)) return;
    c.strokeStyle = c.fillStyle = theme.accent;
    c.lineWidth = 1.5;
    this.area.rule(x, top, x, bottom);
    c.beginPath();
    c.arc(x, top, 5, 0, 2 * Math.PI);
    c.fill();
    c.textBaseline = "bottom";
    const wide = c.measureText(words).width, right = x + wide + 10 < this.area.left + this.area.width;
    c.textAlign = right ? "left" : "right";
    c.fillText(words, x + (right ? 9 : -9), top - 3);
  }

  tellLegend() {
    const names = Object.keys(this.page.scene.colours).filter((name) => this.regimes.includes(name) && name !== "undecided");
    this.legend.replaceChildren(...names.map((name) => {
      const entry = document.createElement("span"), mark = document.createElement("i");
      mark.style.background = this.page.scene.colours[name];
      const first = names.find((other) => other.startsWith("period ")) === name;
      entry.append(mark, { period: "longer", divergent: "diverges" }[name] ?? (first ? name : name.replace("period ", "")));
      return entry;
    }));
  }
}
