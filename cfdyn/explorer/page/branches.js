// The branches of cycles that Python has continued, on the orbit diagram; a click on a bifurcation switches to another branch there.

import { made } from "./controls.js";
import { branchesNow } from "./findings.js";
import { shortNumber } from "./numbers.js";

const ASIDE = 0.03, CROWDED = 12; // of the range, from a bifurcation to the cycle that is shown; pixels between two marks

const called = (period) => (period === 1 ? "fixed point" : `${period}-cycle`);

// The branch to follow after a click: the next one through the point, in turn.
export function nextBranch(own, { leads }, now) {
  const through = [own, ...leads];
  return through[(through.indexOf(now) + 1) % through.length];
}

// The row of a branch that is a little away from a value, a stable one if there is one as far away.
export function rowBeside({ rows }, value, away) {
  const cost = ([at, stable]) => Math.abs(Math.abs(at - value) - away) + (stable ? 0 : away / 2);
  return rows.filter(([, stable]) => stable !== null).reduce((best, row) => (cost(row) < cost(best) ? row : best));
}

// Pieces [stable, rows] of a branch, each up to the first row of the next; a special point belongs to both sides.
export function piecesOf(rows) {
  const pieces = [];
  rows.forEach((row, k) => {
    const last = pieces.at(-1), stable = row[1] ?? rows[k + 1]?.[1] ?? last?.[0];
    last?.[1].push(row);
    if (!last || last[0] !== stable) pieces.push([stable, [row]]);
  });
  return pieces;
}

export class Branches {
  constructor(page, figure) {
    this.page = page;
    this.button = figure.querySelector("#branches");
    this.note = figure.querySelector("#on-branch");
    this.place = made("div", { id: "specials", role: "group", "aria-label": "Bifurcations" });
    this.drawn = "";
    figure.append(this.place);
    this.button.addEventListener("click", () => page.state.change("branch", (state) => { state.branch = state.branch === null ? 0 : null; }));
  }

  draw(area, theme, entry) {
    const { page: { state, findings } } = this, known = branchesNow(findings, state), now = state.branch === null || !known.length ? null : Math.min(state.branch, known.length - 1);
    this.button.hidden = known.length === 0;
    this.button.setAttribute("aria-pressed", String(now !== null));
    if (now !== null) area.clip(() => [...known.keys()].sort((a, b) => (a === now) - (b === now)).forEach((k) => this.line(area, known[k], entry, k === now ? theme.accent : theme.ink, k === now ? 2.5 : 1.2)));
    this.note.textContent = now === null ? "" : `on the ${called(known[now].period)}, branch ${now + 1} of ${known.length}; dashed: unstable`;
    this.show(now === null ? [] : this.marks(area, known, entry), now);
  }

  line(area, { period, rows }, entry, colour, width) {
    for (const [stable, piece] of piecesOf(rows)) {
      for (let i = 0; i < period; i++) area.line(piece.map(([value, , points]) => [value, points[i][entry]]), colour, width, stable ? [] : [4, 4]);
    }
  }

  // Of each special point the uppermost of its points in view, unless another mark is there.
  marks(area, known, entry) {
    const marks = [];
    known.forEach(({ special }, own) => special.forEach((point) => {
      const x = area.x(point.value), ys = point.points.map((one) => area.y(one[entry])).filter((y) => y >= area.top && y <= area.top + area.height);
      if (!ys.length || x < area.left || x > area.left + area.width) return;
      const y = Math.min(...ys);
      if (!marks.some((one) => Math.hypot(one.x - x, one.y - y) < CROWDED)) marks.push({ x, y, own, point });
    }));
    return marks;
  }

  show(marks, now) {
    const { height } = this.page.diagram.surface, key = JSON.stringify([height, now, marks.map(({ x, y }) => [x, y])]);
    if (key === this.drawn) return;
    this.drawn = key;
    const focused = [...this.place.children].indexOf(document.activeElement);
    this.place.replaceChildren(...marks.map((mark) => this.mark(mark, height, now)));
    this.place.children[focused]?.focus();
  }

  mark({ x, y, own, point }, height, now) {
    const { state, findings, explain } = this.page, next = nextBranch(own, point, now), branch = branchesNow(findings, state)[next];
    const goes = next === now ? "go there" : `switch to the branch of the ${called(branch.period)}`;
    const words = `${point.what} at ${state.over} = ${shortNumber(point.value, 7)}: ${goes}`;
    const one = made("button", { type: "button", "aria-label": words });
    one.style.left = `${x}px`;
    one.style.bottom = `${height - y}px`;
    one.addEventListener("click", () => {
      const [value, , points] = rowBeside(branch, point.value, ASIDE * (state.to - state.from));
      state.follow(next, value, points[0]);
    });
    explain.attach(one, () => [words]);
    return one;
  }
}
