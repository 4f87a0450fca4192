// The loss with the iterates on it, and the start to be dragged.

import { levelSegments, levelsOf, sampleGrid } from "./contours.js";
import { onDrag } from "./drag.js";
import { paddedExtent, shortNumber } from "./numbers.js";
import { Area, marginsOf, Surface, visibleOn } from "./plot.js";
import { regimeOf } from "./verdict.js";

const CURVE = 400, GRID = 128, GRID_OF_ROWS = 56, LEVELS = 14; // points of the curve, of a side of the contours; lines
const PACE = 2.5; // steps a second
const TRAIL = 24; // steps that are drawn behind the moving point
const CLOUD = 4000; // states of a map of one's own that are dots

export class LossView {
  constructor(page, figure) {
    this.page = page;
    this.canvas = figure.querySelector("canvas");
    this.play = figure.querySelector("#play");
    this.laid = figure.querySelector("#flows");
    this.hint = figure.querySelector(".hint");
    if (!page.scene.loss) figure.querySelector(".name").textContent = page.scene.weights === 2 ? "Iterates" : "Map and iterates";
    this.surface = new Surface(this.canvas, () => this.draw());
    this.plane = page.scene.weights === 2;
    this.canvas.classList.toggle("plane", this.plane);
    this.canvas.setAttribute("role", this.plane ? "application" : "slider");
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.clock = 0;
    this.window = null;
    this.listen();
    this.showPlaying();
  }

  listen() {
    const move = (event) => {
      const box = this.canvas.getBoundingClientRect(), w = [this.area.xAt(event.clientX - box.left)];
      if (this.plane) w.push(this.area.yAt(event.clientY - box.top));
      this.page.state.setWeights(w);
    };
    this.drag = onDrag(this.canvas, () => this.area, move, () => this.refresh());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.laid.hidden = !this.page.scene.flows;
    this.laid.addEventListener("click", () => { const { state } = this.page; state.change("flows", () => { state.flows = !state.flows; }); });
    this.play.addEventListener("click", () => { this.playing = !this.playing; this.showPlaying(); });
  }

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: this.plane ? [0, -1] : [-1, 0], ArrowUp: this.plane ? [0, 1] : [1, 0] }[event.key];
    if (!way || !this.area) return;
    event.preventDefault();
    const part = event.shiftKey ? 0.05 : 0.005, area = this.area, w = [...this.page.state.start.slice(0, this.plane ? 2 : 1)];
    w[0] += way[0] * part * (area.x1 - area.x0);
    if (this.plane) w[1] += way[1] * part * (area.y1 - area.y0);
    this.page.state.setWeights(w);
  }

  showPlaying() {
    this.play.textContent = this.playing ? "pause" : "play";
    this.play.setAttribute("aria-label", this.playing ? "pause the iterates" : "play the iterates");
    if (this.playing) { this.last = null; requestAnimationFrame((now) => this.tick(now)); } else this.draw();
  }

  tick(now) {
    if (!this.playing || !this.canvas.isConnected) return;
    this.clock += this.last === null ? 0 : Math.min(0.1, (now - this.last) / 1000) * PACE;
    this.last = now;
    this.draw();
    requestAnimationFrame((next) => this.tick(next));
  }

  restart() { this.clock = 0; }

  // Of the curve on which the iterates are, for one variable.
  height(w) { const { engine, scene } = this.page; return scene.loss ? engine.loss([w]) : engine.step([w])[0]; }

  // What is in view: the minima, the start and where the orbit stays; it rests while the start is dragged.
  refresh() {
    if (this.drag.pressed && this.window) { this.sample(); return; }
    const { scene, state, orbit, settled } = this.page, reach = scene.view.map(([lo, hi]) => hi - lo);
    const window = scene.view.map(([lo, hi], i) => {
      const near = (x) => x > lo - 3 * reach[i] && x < hi + 3 * reach[i];
      const values = [lo, hi, state.start[i]], rows = state.noise.size > 0 ? orbit.rows : settled?.points?.length ? settled.points : regimeOf(settled) === "divergent" ? [] : orbit.rows;
      for (const row of rows) if (near(row[i])) values.push(row[i]);
      const [low, high] = paddedExtent(values, 0);
      return [low < lo ? low - 0.06 * reach[i] : lo, high > hi ? high + 0.06 * reach[i] : hi];
    });
    this.window = window;
    this.sample();
  }

  sample() {
    const { engine, lossKey, scene, state } = this.page, key = JSON.stringify([this.window, scene.loss ? lossKey : state.values]);
    if (key === this.sampled) return;
    this.sampled = key;
    const [[x0, x1]] = this.window;
    if (this.plane && !scene.loss) this.contours = [];
    else if (this.plane) {
      const w = new Float64Array(2), grid = sampleGrid((x, y) => { w[0] = x; w[1] = y; return engine.loss(w); }, ...this.window, scene.rows ? GRID_OF_ROWS : GRID);
      this.contours = levelsOf(grid, LEVELS).map((level) => levelSegments(grid, level));
    } else {
      this.curve = Array.from({ length: CURVE + 1 }, (_, k) => { const w = x0 + ((x1 - x0) * k) / CURVE; return [w, this.height(w)]; });
      const finite = this.curve.map((point) => point[1]).filter(Number.isFinite).sort((a, b) => a - b);
      this.heights = paddedExtent(finite.filter((y) => y <= 4 * finite[Math.floor(0.85 * finite.length)] - 3 * finite[0]), 0.08);
    }
  }

  draw() {
    if (!this.window || !this.surface.ready) return;
    const { theme, scene, state } = this.page, c = this.surface.begin(), m = marginsOf(c);
    const rectangle = [m.left, m.top, this.surface.width - m.left - m.right, this.surface.height - m.top - m.bottom];
    this.area = new Area(c, rectangle, this.window[0], this.plane ? this.window[1] : this.heights);
    this.area.axes(theme, scene.names[0], this.plane ? scene.names[1] : scene.loss ? "L" : `next ${scene.names[0]}`);
    this.area.clip(() => this.content(this.area, theme));
    this.laid.setAttribute("aria-pressed", String(state.flows));
    const [, central] = this.page.flows, whose = central?.length ? "solid: central" : "central: no start found";
    this.hint.textContent = state.flows ? `dashed: gradient, ${whose}` : "drag the start";
    const words = scene.names.slice(0, scene.weights).map((name, i) => `${name} = ${shortNumber(state.start[i], 5)}`).join(", ");
    this.canvas.setAttribute("aria-label", `start of the orbit: ${words}; arrow keys move it`);
    if (!this.plane) {
      const said = { valuemin: this.window[0][0], valuemax: this.window[0][1], valuenow: state.start[0], valuetext: words };
      for (const [name, value] of Object.entries(said)) this.canvas.setAttribute(`aria-${name}`, value);
    }
  }

  point(row) { return this.plane ? [row[0], row[1]] : [row[0], this.height(row[0])]; }

  content(area, theme) {
    const { orbit, settled, scene } = this.page, c = area.context;
    if (this.plane && !scene.loss) this.dots(area, theme);
    else if (this.plane) this.levels(area, theme);
    else area.line(this.curve, theme.ink, 1.6);
    const rows = orbit.rows, points = rows.slice(0, 400).map((row) => this.point(row));
    c.globalAlpha = scene.loss || !this.plane ? (this.playing ? 0.22 : 0.4) : 0.07;
    area.line(points, theme.quiet, 1);
    c.globalAlpha = 1;
    if (this.page.flows.length) this.drawFlows(area, theme);
    const colour = visibleOn(scene.colours[regimeOf(settled)], theme);
    if (settled?.points) for (const row of settled.points) area.dot(...this.point(row), settled.period > 20 ? 2.5 : 5, colour, theme.ground);
    if (this.playing && points.length > 1) this.moving(area, theme, points);
    area.dot(...this.point(this.page.state.start), 7, theme.ground, theme.accent);
    area.dot(...this.point(this.page.state.start), 3, theme.accent);
  }

  dots(area, theme) {
    const { engine, state } = this.page, { taken, states } = engine.orbit(state.start, CLOUD), c = area.context;
    c.fillStyle = theme.ink;
    for (let k = 0; k <= taken; k++) c.fillRect(area.x(states[2 * k]) - 0.6, area.y(states[2 * k + 1]) - 0.6, 1.2, 1.2);
  }

  drawFlows(area, theme) {
    const [gradient, central] = this.page.flows.map((points) => points.map((w) => this.point(w)));
    area.line(gradient, theme.ink, 3, [3, 5]);
    if (central.length) area.line(central, theme.warn, 3.5);
    for (const [points, colour] of [[gradient, theme.ink], [central, theme.warn]]) if (points.length) area.dot(...points[points.length - 1], 5, theme.ground, colour);
  }

  moving(area, theme, points) {
    const length = points.length - 1, at = this.clock % (length + 2 * PACE), k = Math.min(length, Math.floor(at)), c = area.context;
    for (let i = Math.max(0, k - TRAIL); i < k; i++) {
      c.globalAlpha = 0.75 * (1 - (k - 1 - i) / TRAIL) + 0.05;
      area.line([points[i], points[i + 1]], theme.accent, 1.6);
    }
    c.globalAlpha = 1;
    const next = points[Math.min(length, k + 1)], part = Math.min(1, (at - k) * 2.2), eased = k >= length ? 0 : part * part * (3 - 2 * part);
    const [x, y] = points[k].map((value, i) => value + (next[i] - value) * eased);
    if (eased > 0) area.line([points[k], [x, y]], theme.accent, 1.6);
    if (Number.isFinite(x) && Number.isFinite(y)) area.dot(x, y, 5, theme.accent, theme.ground);
  }

  levels(area, theme) {
    const c = area.context;
    c.strokeStyle = theme.quiet;
    c.lineWidth = 1;
    this.contours.forEach((segments, k) => {
      c.globalAlpha = 0.75 - (0.5 * k) / LEVELS;
      c.beginPath();
      for (const [x1, y1, x2, y2] of segments) { c.moveTo(area.x(x1), area.y(y1)); c.lineTo(area.x(x2), area.y(y2)); }
      c.stroke();
    });
    c.globalAlpha = 1;
  }
}
