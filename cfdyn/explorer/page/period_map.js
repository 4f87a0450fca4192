// The map of periods: regimes over two parameters, or a parameter and the start.

import { isJudged, REGIME_NAMES, TRANSIENT } from "./columns.js";
import { made } from "./controls.js";
import { onDrag } from "./drag.js";
import { coloursOf, showLegend } from "./legend.js";
import { grouped, shortNumber } from "./numbers.js";
import { Area, marginsOf, Surface } from "./plot.js";

const CELLS = 300 ** 2; // at most, about as wide as high

export class PeriodMap {
  constructor(page, figure) {
    Object.assign(this, { page, figure, shown: null, key: "" });
    this.canvas = figure.querySelector("canvas");
    this.legend = figure.querySelector(".legend");
    this.hint = figure.querySelector(".hint");
    this.addChoices(figure.querySelector(".choices"));
    this.listen();
    this.surface = new Surface(this.canvas, () => this.resize());
  }

  get inView() { return this.page.state.view === "map"; }

  addChoices(place) {
    const { state } = this.page, names = state.axes.map(({ name, label }) => made("option", { value: name }, label));
    this.selects = ["across", "up"].map((which) => {
      const select = made("select", { "aria-label": `${which}: what the map is drawn over` }, ...names.map((option) => option.cloneNode(true)));
      select.addEventListener("change", () => state.change("view", () => state.chooseAxis(which, select.value)));
      place.append(made("label", {}, which === "across" ? "→ " : "↑ ", select));
      return [which, select];
    });
  }

  listen() {
    const move = (event) => {
      const box = this.canvas.getBoundingClientRect(), { area } = this;
      this.set([area.xAt(event.clientX - box.left), area.yAt(event.clientY - box.top)]);
    };
    this.drag = onDrag(this.canvas, () => this.area, move);
    this.canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key], part = event.shiftKey ? 0.05 : 0.005;
      if (!way) return;
      event.preventDefault();
      this.set(this.axes().map((axis, i) => axis.to(this.page.state.axisValue(axis.name)) + way[i] * part * (axis.hi - axis.lo)));
    });
  }

  axes() { return ["across", "up"].map((which) => this.page.state.axis(which)); }

  // Both parameters at once, within what is in view.
  set(place) {
    this.axes().forEach((axis, i) => this.page.state.setAxis(axis.name, axis.from(Math.max(axis.lo, Math.min(axis.hi, place[i])))));
  }

  resize() {
    this.restart();
    if (this.shown && this.surface.ready) this.draw();
  }

  // Begin anew if something else than the two parameters has changed. The old map stays until a part of the new one is there.
  restart() {
    if (!this.inView || !this.surface.ready) return;
    const { state, helper } = this.page, axes = this.axes(), [, , width, height] = this.rectangle(), scale = Math.min(1, Math.sqrt(CELLS / (width * height)));
    const counts = [width, height].map((size) => Math.max(1, Math.floor(size * scale))), names = axes.map((axis) => axis.name);
    const values = Object.fromEntries(Object.entries(state.values).map(([name, value]) => [name, names.includes(name) ? 0 : value]));
    const start = state.start.map((x, i) => (names.includes(`start.${i}`) ? 0 : x)), key = JSON.stringify([counts, names, values, [...start]]);
    if (key === this.key) return;
    this.key = key;
    const grid = axes.map((axis, i) => Float64Array.from({ length: counts[i] }, (_, k) => axis.from(axis.lo + ((axis.hi - axis.lo) * (k + 0.5)) / counts[i])));
    const layer = made("canvas", { width: counts[0], height: counts[1] }), context = layer.getContext("2d"), image = context.createImageData(...counts);
    const map = { axes, counts, layer, context, image, pixels: new Uint32Array(image.data.buffer), codes: new Uint8Array(counts[0] * counts[1]) };
    helper.ask({ axes: names, grid, values, start }, (said) => this.receive(map, said));
    this.page.wake();
  }

  // A cell of the new map covers those of which nothing is known yet; before that the old map shows through.
  receive(map, { pieces, done }) {
    const [columns, rows] = map.counts, same = (axis, i) => axis.name === map.axes[i].name;
    if (this.shown !== map && this.shown?.counts.join() === map.counts.join() && this.shown.axes.every(same)) map.codes.set(this.shown.codes);
    this.shown = map;
    for (const { places, wide, regimes } of pieces) places?.forEach((place, i) => {
      const column = place % columns, row = Math.floor(place / columns), last = Math.min(columns, column + wide);
      for (let y = row; y < Math.min(rows, row + wide); y++) map.codes.fill(regimes[i], y * columns + column, y * columns + last);
    });
    this.paint();
    this.hint.textContent = !done ? "refining …" : isJudged(this.page.engine) ? `after ${grouped(TRANSIENT)} steps` : "no regimes: averages of this optimizer settle later";
    if (done) this.tellLegend();
    this.draw();
    this.page.wake();
  }

  tellLegend() {
    showLegend(this.legend, coloursOf(this.page), new Set(Array.from(new Set(this.shown.codes), (code) => REGIME_NAMES[code])));
  }

  paint() {
    const { codes, counts: [columns, rows], pixels, image, context } = this.shown, colours = coloursOf(this.page);
    const known = Uint32Array.from(REGIME_NAMES, (name) => { const [r, g, b] = [1, 3, 5].map((i) => parseInt(colours[name].slice(i, i + 2), 16)); return (255 << 24) | (b << 16) | (g << 8) | r; });
    for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) pixels[(rows - 1 - row) * columns + column] = known[codes[row * columns + column]];
    context.putImageData(image, 0, 0);
  }

  repaint() {
    if (!this.shown) return;
    this.paint();
    this.tellLegend();
    this.draw();
  }

  rectangle() {
    const m = marginsOf(this.surface.prepare());
    return [m.left, m.top, this.surface.width - m.left - m.right, this.surface.height - m.top - m.bottom];
  }

  draw() {
    if (!this.inView || !this.surface.ready || !this.shown) return;
    const { theme, state } = this.page, rectangle = this.rectangle(), c = this.surface.begin(), [across, up] = this.axes(), [left, top, width, height] = rectangle;
    this.area = new Area(c, rectangle, [across.lo, across.hi], [up.lo, up.hi]);
    c.imageSmoothingEnabled = false;
    c.drawImage(this.shown.layer, left, top, width, height);
    this.area.axes(theme, across.label, up.label);
    for (const [which, select] of this.selects) select.value = state[which];
    this.cursor(c, theme, [across, up]);
  }

  // A cross that is seen on every colour.
  cursor(c, theme, axes) {
    const values = axes.map((axis) => this.page.state.axisValue(axis.name)), { area } = this, x = area.x(axes[0].to(values[0])), y = area.y(axes[1].to(values[1]));
    const words = axes.map(({ name, short }, i) => `${short} = ${shortNumber(values[i], 5)}`).join(", ");
    this.canvas.setAttribute("aria-label", `map of periods; ${words}; arrow keys move the cursor`);
    area.clip(() => {
      for (const [colour, wide] of [[theme.ground, 4], [theme.accent, 1.5]]) {
        c.strokeStyle = colour;
        c.lineWidth = wide;
        area.rule(x, area.top, x, area.top + area.height);
        area.rule(area.left, y, area.left + area.width, y);
      }
    });
    area.dot(axes[0].to(values[0]), axes[1].to(values[1]), 5, theme.accent, theme.ground);
  }
}
