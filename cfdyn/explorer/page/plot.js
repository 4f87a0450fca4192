// Areas with axes on a canvas, sharp on any screen and in the page's colours.

import { tickLabels, ticksBetween } from "./numbers.js";

export function themeColours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["ground", "raised", "ink", "quiet", "line", "accent", "warn"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function luminance(hex) {
  const [r, g, b] = channels(hex).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// A colour that stands out from the ground: mixed with the ink until the contrast is 3 or more.
export function visibleOn(colour, theme) {
  const contrast = (hex) => { const [a, b] = [luminance(hex), luminance(theme.ground)].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); };
  let mixed = colour;
  for (let part = 0.1; contrast(mixed) < 3 && part < 1; part += 0.1) {
    const ink = channels(theme.ink);
    mixed = `#${channels(colour).map((c, i) => Math.round(c * (1 - part) + ink[i] * part).toString(16).padStart(2, "0")).join("")}`;
  }
  return mixed;
}

// Text sizes follow the page's.
export function canvasFont(factor = 0.78) {
  return `${Math.round(factor * parseFloat(getComputedStyle(document.documentElement).fontSize))}px ${getComputedStyle(document.body).fontFamily}`;
}

export class Surface {
  constructor(canvas, redraw) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.width = this.height = 0;
    new ResizeObserver(() => { this.fit(); redraw(); }).observe(canvas);
  }

  fit() {
    const box = this.canvas.getBoundingClientRect();
    this.density = Math.min(3, window.devicePixelRatio || 1);
    [this.width, this.height] = [Math.round(box.width), Math.round(box.height)];
    this.canvas.width = Math.round(this.width * this.density);
    this.canvas.height = Math.round(this.height * this.density);
  }

  // The context with its unit and font; what was drawn stays.
  prepare() {
    const c = this.context;
    c.setTransform(this.density, 0, 0, this.density, 0, 0);
    c.font = canvasFont();
    c.lineJoin = "round";
    return c;
  }

  begin() {
    const c = this.prepare();
    c.clearRect(0, 0, this.width, this.height);
    return c;
  }

  get ready() { return this.width > 60 && this.height > 60; }
}

// A rectangle of a canvas in which x and y have ranges.
export class Area {
  constructor(context, [left, top, width, height], [x0, x1], [y0, y1]) {
    Object.assign(this, { context, left, top, width, height, x0, x1, y0, y1 });
  }

  x(value) { return this.left + ((value - this.x0) / (this.x1 - this.x0)) * this.width; }
  y(value) { return this.top + this.height - ((value - this.y0) / (this.y1 - this.y0)) * this.height; }
  xAt(pixel) { return this.x0 + ((pixel - this.left) / this.width) * (this.x1 - this.x0); }
  yAt(pixel) { return this.y0 + ((this.top + this.height - pixel) / this.height) * (this.y1 - this.y0); }

  clip(draw) {
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(this.left, this.top, this.width, this.height);
    c.clip();
    draw(c);
    c.restore();
  }

  line(points, colour, width = 1.5, dash = []) {
    const c = this.context;
    c.strokeStyle = colour;
    c.lineWidth = width;
    c.setLineDash(dash);
    c.beginPath();
    let down = false;
    for (const [x, y] of points) {
      const px = this.x(x), py = Math.max(-1e5, Math.min(1e5, this.y(y)));
      if (!Number.isFinite(px) || !Number.isFinite(py)) down = false;
      else if (down) c.lineTo(px, py);
      else { c.moveTo(px, py); down = true; }
    }
    c.stroke();
    c.setLineDash([]);
  }

  dot(x, y, radius, fill, edge = null) {
    const c = this.context;
    c.beginPath();
    c.arc(this.x(x), this.y(y), radius, 0, 2 * Math.PI);
    c.fillStyle = fill;
    c.fill();
    if (edge) { c.strokeStyle = edge; c.lineWidth = 1.5; c.stroke(); }
  }

  // Ticks with numbers; what x is called stands at the end of its numbers, what y is called above the area.
  axes(theme, xName, yName, { xNumbers = true } = {}) {
    const c = this.context, size = parseFloat(c.font);
    c.strokeStyle = theme.line;
    c.fillStyle = theme.quiet;
    c.lineWidth = 1;
    c.strokeRect(this.left + 0.5, this.top + 0.5, this.width - 1, this.height - 1);
    c.textAlign = "right";
    c.textBaseline = "middle";
    const heights = ticksBetween(this.y0, this.y1, Math.max(2, this.height / (3.4 * size))), { labels, from } = tickLabels(heights);
    heights.forEach((tick, k) => {
      const y = this.y(tick);
      this.rule(this.left - 4, y, this.left, y);
      c.fillText(labels[k], this.left - 7, y);
    });
    c.textAlign = "left";
    c.textBaseline = "bottom";
    if (yName) c.fillText(from ? `${yName} minus ${from}` : yName, this.left, this.top - 3);
    if (!xNumbers) return;
    const right = this.left + this.width, below = this.top + this.height;
    c.textBaseline = "top";
    c.textAlign = "right";
    c.fillText(xName, right, below + 7);
    const free = right - c.measureText(xName).width - 0.8 * size;
    c.textAlign = "center";
    const places = ticksBetween(this.x0, this.x1, Math.max(2, this.width / (6 * size))), { labels: words } = tickLabels(places, 12);
    places.forEach((tick, k) => {
      const x = this.x(tick);
      this.rule(x, below, x, below + 4);
      if (x + c.measureText(words[k]).width / 2 < free) c.fillText(words[k], x, below + 7);
    });
  }

  rule(x1, y1, x2, y2) {
    const c = this.context;
    c.beginPath();
    c.moveTo(x1, y1);
    c.lineTo(x2, y2);
    c.stroke();
  }
}

// Room for numbers on the left, names above and numbers below, in pixels.
export function marginsOf(context) {
  const size = parseFloat(context.font);
  return { left: Math.round(4.2 * size), top: Math.round(1.7 * size), right: Math.round(0.9 * size), bottom: Math.round(2 * size) };
}
