// The orbit diagram: long-time states over a parameter, their regimes and the Lyapunov exponent below.

import { ColumnImage } from "./column_image.js";
import { TRANSIENT } from "./columns.js";
import { Helper } from "./helper.js";
import { grouped, paddedExtent, shortNumber } from "./numbers.js";
import { Area, marginsOf, Surface, visibleOn } from "./plot.js";
import { Zoom } from "./zoom.js";

const MOST_COLUMNS = 1600, STRIP = 10; // pixels of the strip of regimes

export class Diagram {
  constructor(page, figure, bytes) {
    this.page = page;
    this.canvas = figure.querySelector("canvas");
    this.legend = figure.querySelector("#legend");
    this.hint = figure.querySelector(".hint");
    this.shown = this.coming = null;
    this.zoom = new Zoom(this, figure.querySelectorAll("button"));
    this.helper = new Helper(page.scene, bytes, (said) => this.receive(said), () => { this.hint.textContent = "this browser starts no worker: the diagram is not computed"; page.wake(); });
    this.surface = new Surface(this.canvas, () => this.resize());
  }

  get busy() { return this.helper.busy; }

  close() { this.helper.close(); }

  // As many columns as the screen has, up to a limit.
  columns() {
    this.margins = marginsOf(this.surface.prepare());
    const width = this.surface.width - this.margins.left - this.margins.right;
    return Math.max(16, Math.min(MOST_COLUMNS, Math.round(width * Math.min(2, this.surface.density))));
  }

  // A picture of the same columns is painted anew from their states.
  resize() {
    if (this.surface.ready && this.shown && this.columns() === this.shown.job.count) this.repaint();
    else this.restart();
  }

  // Begin anew: everything but the parameter of the diagram may have changed. The old picture stays until the first pass is done.
  restart() {
    if (!this.surface.ready || !this.page.orbit) return;
    const { values, over, from, to, entry, heights } = this.page.state;
    this.jobs ??= new Map();
    const job = { values: { ...values }, over, from, to, entry, start: Float64Array.from(this.page.state.start), count: this.columns() };
    this.jobs.set(this.helper.ask(job), { job, heights, columns: new Array(job.count).fill(null), image: null });
    this.page.wake();
  }

  receive({ id, pieces, done }) {
    for (const older of this.jobs.keys()) if (older < id) this.jobs.delete(older);
    const picture = this.jobs.get(id);
    for (const piece of pieces) {
      if (piece.pass) this.finishPass(picture);
      else {
        picture.columns[piece.k] = piece;
        picture.image?.paint(piece);
      }
    }
    this.hint.textContent = done ? `states after ${grouped(TRANSIENT)} steps` : "refining …";
    if (done) this.tellLegend();
    this.draw();
    this.page.wake();
  }

  finishPass(picture) {
    if (picture === this.shown) return;
    const values = picture.columns.flatMap((column) => (column ? [...column.states] : [])).sort((a, b) => a - b);
    const at = (part) => values[Math.floor(part * (values.length - 1))];
    picture.heights ??= values.length ? paddedExtent([at(0.005), at(0.995)], 0.08) : [-1, 1];
    this.shown = picture;
    this.repaint();
  }

  repaint() {
    if (!this.shown) return;
    const { job, heights, columns } = this.shown;
    this.margins = marginsOf(this.surface.prepare());
    this.shown.image = new ColumnImage(job.count, Math.round(this.rectangle()[3] * this.surface.density), heights, this.page.theme.ink, this.surface.density);
    for (const column of columns) if (column) this.shown.image.paint(column);
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
    this.page.landmarks.draw(this.area, theme, this.surface.height - this.margins.bottom);
    this.drawCursor(c, theme, top, this.surface.height - this.margins.bottom);
    this.zoom.draw(this.area, theme);
  }

  drawStrip(c, left, top, width) {
    const { columns, job: { count } } = this.shown;
    for (const column of columns) {
      if (!column || column.regime === "undecided") continue;
      c.fillStyle = this.page.scene.colours[column.regime];
      c.fillRect(left + (column.k * width) / count, top, (Math.min(column.wide, count - column.k) * width) / count + 0.6, STRIP);
    }
  }

  drawExponents(c, rectangle) {
    const { theme, scene } = this.page, { columns, job } = this.shown, known = columns.filter((column) => column !== null);
    const finite = known.map((column) => column.exponent).filter(Number.isFinite);
    const least = Math.max(-1.5, Math.min(-0.05, ...finite)), most = Math.max(0.05, ...finite) * 1.15;
    const area = new Area(c, rectangle, [job.from, job.to], [least, most]);
    area.axes(theme, scene.labels[job.over] ?? job.over, "Lyapunov exponent per step");
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

  tellLegend() {
    const names = Object.keys(this.page.scene.colours).filter((name) => name !== "undecided" && this.shown.columns.some((column) => column?.regime === name));
    this.legend.replaceChildren(...names.map((name) => {
      const entry = document.createElement("span"), mark = document.createElement("i");
      mark.style.background = this.page.scene.colours[name];
      const first = names.find((other) => other.startsWith("period ")) === name;
      entry.append(mark, { period: "longer", divergent: "diverges" }[name] ?? (first ? name : name.replace("period ", "")));
      return entry;
    }));
  }
}
