// The orbit diagram: long-time states over a parameter, their regimes and the Lyapunov exponent below.

import { ColumnImage } from "./column_image.js";
import { REGIME_NAMES, TRANSIENT } from "./columns.js";
import { coloursOf, showLegend } from "./legend.js";
import { grouped, paddedExtent, shortNumber } from "./numbers.js";
import { Area, marginsOf, Surface, visibleOn } from "./plot.js";
import { Zoom } from "./zoom.js";

const MOST_COLUMNS = 1600, STRIP = 10; // pixels of the strip of regimes
const SAMPLED = 6000; // states whose quantiles are the heights in view

export class Diagram {
  constructor(page, figure) {
    this.page = page;
    this.canvas = figure.querySelector("canvas");
    this.legend = figure.querySelector(".legend");
    this.hint = figure.querySelector(".hint");
    this.shown = null;
    this.zoom = new Zoom(this, figure.querySelectorAll("button.zoom"));
    this.surface = new Surface(this.canvas, () => this.resize());
  }

  // As many columns as the screen has, up to a limit.
  columns() {
    this.margins = marginsOf(this.surface.prepare());
    const width = this.surface.width - this.margins.left - this.margins.right;
    return Math.max(16, Math.min(MOST_COLUMNS, Math.round(width * Math.min(2, this.surface.density))));
  }

  // A picture of the same columns is painted anew from their states.
  resize() {
    if (this.surface.ready && this.shown && !this.stale && this.columns() === this.shown.job.count) this.repaint();
    else this.restart();
  }

  // Begin anew: everything but the parameter of the diagram may have changed. The old picture stays until the first pass is done.
  restart() {
    this.stale = !this.surface.ready; // or out of view
    if (this.stale) return;
    const { values, over, from, to, entry, heights, noise } = this.page.state;
    const job = { values: { ...values }, over, from, to, entry, start: Float64Array.from(this.page.state.start), count: this.columns(), noise: noise.diagram && noise.size > 0 ? noise : null };
    const picture = { job, heights, columns: new Array(job.count).fill(null), image: null };
    this.page.helper.ask(job, (said) => this.receive(picture, said));
    this.page.wake();
  }

  receive(picture, { pieces, done }) {
    for (const piece of pieces) {
      if (piece.pass) this.finishPass(picture);
      else for (const column of columnsOf(piece)) {
        picture.columns[column.k] = column;
        picture.image?.paint(column);
      }
    }
    this.hint.textContent = done ? `states after ${grouped(TRANSIENT)} steps${picture.job.noise ? ", with noise" : ""}` : "refining …";
    if (done) this.tellLegend();
    if (picture === this.shown) this.draw();
    this.page.wake();
  }

  tellLegend() {
    const seen = new Set(this.shown.columns.map((column) => column?.regime));
    seen.delete("undecided"); // nothing is drawn
    showLegend(this.legend, coloursOf(this.page), seen);
  }

  finishPass(picture) {
    if (picture === this.shown) return;
    const values = sampleOf(picture.columns);
    const at = (part) => values[Math.floor(part * (values.length - 1))];
    picture.heights ??= values.length ? paddedExtent([at(0.005), at(0.995)], 0.08) : [-1, 1];
    picture.image = this.shown?.image; // its memory is used again
    this.shown = picture;
    this.paintAll();
  }

  paintAll() {
    if (!this.surface.ready) return;
    const { job, heights, columns, image } = this.shown, { density } = this.surface;
    this.margins = marginsOf(this.surface.prepare());
    const height = Math.round(this.rectangle()[3] * density);
    this.shown.image = image?.fits(job.count, height) ? image : new ColumnImage(job.count, height);
    this.shown.image.begin(heights, this.page.theme.ink, density);
    for (const column of columns) if (column) this.shown.image.paint(column);
  }

  repaint() {
    if (!this.shown) return;
    this.paintAll();
    this.tellLegend();
    this.draw();
  }

  rectangle() {
    const m = this.margins, height = this.surface.height - 2 * m.top - m.bottom - STRIP;
    return [m.left, m.top, this.surface.width - m.left - m.right, Math.round(0.76 * height)];
  }

  draw() {
    if (!this.surface.ready || !this.shown?.image) return;
    const { theme, scene } = this.page, c = this.surface.begin(), rectangle = this.rectangle(), [left, top, width, height] = rectangle;
    const { job, image, heights } = this.shown;
    this.area = new Area(c, rectangle, [job.from, job.to], heights);
    c.imageSmoothingEnabled = job.count !== Math.round(width * this.surface.density);
    c.drawImage(image.canvas(), left, top, width, height);
    this.area.axes(theme, "", scene.names[job.entry], { xNumbers: false });
    this.drawStrip(c, left, top + height, width);
    const below = top + height + STRIP + this.margins.top;
    this.drawExponents(c, [left, below, width, this.surface.height - this.margins.bottom - below]);
    this.page.branches.draw(this.area, theme, job.entry);
    this.page.landmarks.draw(this.area, theme, this.surface.height - this.margins.bottom);
    this.drawCursor(c, theme, top, this.surface.height - this.margins.bottom);
    this.zoom.draw(this.area, theme);
  }

  drawStrip(c, left, top, width) {
    const { columns, job: { count } } = this.shown, colours = coloursOf(this.page);
    for (let k = 0, next; k < count; k = next) {
      const column = columns[k], end = column && Math.min(count, k + column.wide);
      next = end ?? k + 1;
      if (!column || column.regime === "undecided") continue;
      while (next < count && columns[next]?.regime === column.regime) next = Math.min(count, next + columns[next].wide);
      c.fillStyle = colours[column.regime];
      c.fillRect(left + (k * width) / count, top, ((next - k) * width) / count + 0.6, STRIP);
    }
  }

  drawExponents(c, rectangle) {
    const { theme, scene } = this.page, { columns, job } = this.shown, known = columns.filter((column) => column !== null);
    const finite = known.map((column) => column.exponent).filter(Number.isFinite);
    const least = Math.max(-1.5, Math.min(-0.05, ...finite)), most = Math.max(0.05, ...finite) * 1.15;
    const area = new Area(c, rectangle, [job.from, job.to], [least, most]);
    area.axes(theme, scene.labels[job.over] ?? job.over, job.noise ? "no Lyapunov exponent with noise" : "Lyapunov exponent per step");
    area.clip(() => {
      area.line([[job.from, 0], [job.to, 0]], theme.quiet, 1);
      area.line(known.map(({ k, exponent }) => [job.from + ((job.to - job.from) * (k + 0.5)) / job.count, exponent]), visibleOn(scene.colours.chaotic, theme), 1);
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
}

// The columns of a message: their states are views of its array.
function columnsOf({ ks, wide, kept, states, regimes, exponents }) {
  return ks.map((k, i) => {
    const regime = REGIME_NAMES[regimes[i]];
    return { k, wide, regime, exponent: exponents[i], states: regime === "divergent" ? states.subarray(0, 0) : states.subarray(i * kept, (i + 1) * kept) };
  });
}

// Some of all states, sorted.
function sampleOf(columns) {
  const known = columns.filter((column) => column?.states.length), every = Math.ceil(known.reduce((sum, { states }) => sum + states.length, 0) / SAMPLED);
  const values = new Float32Array(SAMPLED);
  let at = 0, next = 0; // of the next state that is taken, counted from this column's first
  for (const { states } of known) {
    for (; next < states.length && at < SAMPLED; next += every) values[at++] = states[next];
    next -= states.length;
  }
  return values.subarray(0, at).sort();
}
