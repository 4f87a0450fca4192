// The landmarks on the orbit diagram: a mark each, or one for several that the screen does not resolve.

import { made } from "./controls.js";
import { landmarksNow, readable } from "./findings.js";
import { shortNumber } from "./numbers.js";

const APART = 11; // pixels between two marks

export class Landmarks {
  constructor(page, figure) {
    this.page = page;
    this.place = made("div", { id: "landmarks", role: "group", "aria-label": "Landmarks" });
    this.about = made("span", { id: "marked", className: "term", tabIndex: 0, hidden: true });
    this.drawn = "";
    figure.append(this.place);
    figure.querySelector(".hint").after(this.about);
    page.explain.attach(this.about, () => this.words);
  }

  // Lines on the diagram; the marks follow its area.
  draw(area, theme, bottom) {
    const found = landmarksNow(this.page.findings, this.page.state), c = area.context;
    const inside = (found?.landmarks ?? []).map((mark) => ({ ...mark, x: area.x(mark.value) })).filter(({ x }) => x >= area.left - 0.5 && x <= area.left + area.width + 0.5);
    const groups = [];
    for (const mark of inside) {
      const last = groups[groups.length - 1];
      if (last && mark.x - last[0].x < APART) last.push(mark);
      else groups.push([mark]);
    }
    c.lineWidth = 1;
    c.globalAlpha = 0.45;
    for (const { x, proof } of inside) {
      c.strokeStyle = proof ? theme.accent : theme.quiet;
      c.setLineDash([2, 4]);
      area.rule(Math.round(x) + 0.5, area.top, Math.round(x) + 0.5, bottom);
    }
    c.setLineDash([]);
    c.globalAlpha = 1;
    this.show(groups, found, area.top);
  }

  show(groups, found, top) {
    const up = this.page.diagram.surface.height - top, key = JSON.stringify([up, groups, found === null]);
    if (key === this.drawn) return;
    this.drawn = key;
    const missing = found?.missing ?? "", count = groups.flat().length;
    this.about.hidden = found === null || (count === 0 && !missing);
    this.about.textContent = `▾ ${count} landmark${count === 1 ? "" : "s"}${missing ? ", not all computed" : ""}`;
    this.words = [`Values of ${this.page.state.over} at which the dynamics change, computed by Python (cf.study, cf.analysis.branches). Click one to go there; a filled mark in colour is proved.`,
      ...(missing ? [`Not computed: ${missing}.`] : [])];
    this.place.replaceChildren(...groups.map((group) => this.button(group, up)));
  }

  button(group, up) {
    const lines = group.map((mark) => this.line(mark)), proofs = group.filter(({ proof }) => proof).map(({ proof }) => `Proved in ball arithmetic: ${proof}`);
    const one = made("button", { type: "button", className: proofs.length ? "mark proved" : "mark", "aria-label": lines.join("; ") });
    one.style.left = `${group[0].x}px`;
    one.style.bottom = `${up}px`; // the canvas ends where the figure does, whatever is above it
    one.addEventListener("click", () => this.page.state.setValue(this.page.state.over, group[0].value));
    this.page.explain.attach(one, () => [...lines, ...proofs]);
    return one;
  }

  line({ value, what, formula, proof }) {
    const exact = formula.startsWith("root of ") ? ` · ${readable(formula)}` : formula && formula !== String(value) ? ` = ${readable(formula)}` : formula ? " exactly" : "";
    return `${this.page.state.over} = ${shortNumber(value, 7)}${exact}: ${what}${formula || proof ? "" : " (floating point)"}`;
  }
}
