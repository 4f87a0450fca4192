// The cobweb of a map of one variable; else the loss and the sharpness over steps.

import { paddedExtent, shortNumber } from "./numbers.js";
import { Area, marginsOf, Surface, visibleOn } from "./plot.js";
import { regimeOf } from "./verdict.js";

const MAP_POINTS = 400, MOST_WEB = 120; // points of the map, steps of the cobweb

export class StepsView {
  constructor(page, figure) {
    this.page = page;
    this.canvas = figure.querySelector("canvas");
    this.surface = new Surface(this.canvas, () => this.draw());
    this.cobweb = page.scene.names.length === 1;
    this.caption = figure.querySelector(".name");
    this.caption.textContent = this.cobweb ? "Cobweb" : page.scene.loss ? "Loss and sharpness" : page.scene.names.join(" and ");
    this.hint = figure.querySelector(".hint");
  }

  draw() {
    const { theme, orbit } = this.page;
    if (!orbit || !this.surface.ready) return;
    const c = this.surface.begin(), m = marginsOf(c), { width, height } = this.surface;
    if (this.cobweb) this.drawCobweb(c, theme, [m.left, m.top, width - m.left - m.right, height - m.top - m.bottom]);
    else {
      const each = (height - 2 * m.top - m.bottom) / 2;
      const { scene } = this.page, [above, below] = scene.loss ? ["loss", "sharpness"] : scene.names, entry = (i) => orbit.rows.map((row) => row[i]);
      this.drawSeries(c, theme, [m.left, m.top, width - m.left - m.right, each], scene.loss ? orbit.losses : entry(0), above, false);
      this.drawSeries(c, theme, [m.left, 2 * m.top + each, width - m.left - m.right, each], scene.loss ? orbit.sharpness : entry(1), below, true);
    }
  }

  drawCobweb(c, theme, rectangle) {
    const { engine, orbit, settled, scene, lossView } = this.page, name = scene.names[0];
    const span = lossView.window[0], area = new Area(c, rectangle, span, span);
    area.axes(theme, name, `next ${name}`);
    this.hint.textContent = "the map and the diagonal";
    const step = (w) => engine.step([w])[0];
    area.clip(() => {
      area.line([[span[0], span[0]], [span[1], span[1]]], theme.line, 1.2);
      const map = Array.from({ length: MAP_POINTS + 1 }, (_, k) => { const w = span[0] + ((span[1] - span[0]) * k) / MAP_POINTS; return [w, step(w)]; });
      area.line(map, theme.ink, 1.6);
      c.globalAlpha = 0.6;
      area.line(web(orbit.rows.slice(0, MOST_WEB).map((row) => row[0])), theme.quiet, 0.9);
      c.globalAlpha = 1;
      const colour = visibleOn(scene.colours[regimeOf(settled)], theme);
      if (settled?.points) {
        const points = settled.points.map((row) => row[0]);
        if (points.length <= 32) area.line(web([...points, points[0]]), colour, 2);
        for (const w of points) area.dot(w, step(w), 4, colour, theme.ground);
      }
    });
    this.canvas.setAttribute("aria-label", `Cobweb of the first ${orbit.rows.length - 1} steps`);
  }

  drawSeries(c, theme, rectangle, values, name, last) {
    const { edge, state } = this.page, far = values.filter(Number.isFinite), level = last && Number.isFinite(edge.sharpness) ? edge.sharpness : NaN;
    const sorted = [...far].sort((a, b) => a - b), most = sorted[Math.floor(0.85 * (sorted.length - 1))] ?? 1;
    const kept = far.filter((y) => y <= most + 3 * (most - sorted[0])), near = Math.abs(level) < 5 * Math.max(...kept.map(Math.abs)) ? [level] : [];
    const decades = !last && this.page.scene.loss && kept.length > 1 && Math.min(...kept) > 0 && Math.max(...kept) > 1e3 * Math.min(...kept);
    const shown = decades ? (y) => Math.log10(y) : (y) => y;
    const area = new Area(c, rectangle, [0, Math.max(1, state.shown)], paddedExtent([...kept, ...near].map(shown), 0.1));
    area.axes(theme, "step", decades ? "log₁₀ of the loss" : name, { xNumbers: last });
    area.clip(() => {
      area.line(values.map((y, k) => [k, shown(y)]), theme.accent, 1.2);
      if (values.length < 120) values.forEach((y, k) => { if (Number.isFinite(y)) area.dot(k, shown(y), 2, theme.accent); });
      if (last && near.length) area.line([[0, level], [state.shown, level]], theme.warn, 1.6, [6, 4]);
    });
    if (!last) return;
    this.hint.textContent = near.length ? `dashed: the edge, ${shortNumber(level, 4)}` : "";
    this.canvas.setAttribute("aria-label", `${this.caption.textContent} of the first ${values.length - 1} steps`);
  }
}

// The path to the map and to the diagonal in turn.
function web(values) {
  const path = [];
  for (let k = 0; k + 1 < values.length; k++) path.push([values[k], values[k]], [values[k], values[k + 1]]);
  return path;
}
