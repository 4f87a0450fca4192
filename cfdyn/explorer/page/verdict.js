// What the orbit of a start does, in floats; computed in slices of time.

import { grouped, shortNumber } from "./numbers.js";

const STAGES = [1000, 4000, 16000, 64000, 256000]; // steps after which it is looked for a cycle
const LONGEST_PERIOD = 256, RETURN = 1e-9, CYCLE_ROWS = 1024;
const BLOCKS = 40, BLOCK_STEPS = 1000; // of the Lyapunov exponent, from the fourth stage on
const LEAST_EXPONENT = 1e-3, NEUTRAL = 1e-9;
const ABOUT_ZERO = 1e-3, AVERAGED = 20000, QUASI_DIGITS = 7; // an exponent that is about 0 on a curve; averages on it, as in cf.analysis.classify
const SLOW_STAGE = 3; // averages of an optimizer fall for long after the weights have come to rest: no cycle counts before

export class Settling {
  constructor(engine, start) {
    this.engine = engine;
    this.start = Float64Array.from(start);
    this.z = Float64Array.from(start);
    this.steps = 0;
    this.stage = 0;
    this.means = null;
    this.path = null; // along which averages are taken
    this.result = null;
    this.scale = Math.max(1e-290, 1e-6 * Math.max(...this.start.map(Math.abs)));
  }

  // Go on until `deadline`; true once there is a result.
  run(deadline) {
    while (this.result === null) {
      this.advanceOnce();
      if (performance.now() > deadline) break;
    }
    return this.result !== null;
  }

  advanceOnce() {
    if (this.path !== null) return this.followPath();
    if (this.means !== null) return this.measureBlock();
    const n = Math.min(1000, STAGES[this.stage] - this.steps);
    if (n > 0) return this.move(n);
    this.lookForCycle();
  }

  move(n) {
    const taken = this.engine.advance(this.z, n);
    this.steps += taken;
    if (taken < n) this.result = this.escaped();
  }

  escaped() {
    const z = Float64Array.from(this.start), last = this.engine.advance(z, this.steps + 1, 1e15), next = this.engine.step(z);
    const left = next.some(Number.isNaN) && z.every((x) => Math.abs(x) < 1e100);
    return { kind: left ? "left" : "divergent", steps: last + 1, period: 0 };
  }

  lookForCycle() {
    const engine = this.engine, d = engine.dim, { taken, states } = engine.orbit(this.z, CYCLE_ROWS - 1, 1e307);
    if (taken < CYCLE_ROWS - 1) { this.result = this.escaped(); return; }
    const period = engine.period(CYCLE_ROWS, LONGEST_PERIOD, RETURN, this.scale);
    const last = this.stage === STAGES.length - 1;
    if (period > 0 && (last || d === engine.weights || this.stage >= SLOW_STAGE)) {
      const points = [];
      for (let k = 0; k < period; k++) points.push(states.slice((CYCLE_ROWS - period + k) * d, (CYCLE_ROWS - period + k + 1) * d));
      const v = engine.direction();
      engine.stretching(CYCLE_ROWS / 2, v);
      const exponent = engine.stretching(CYCLE_ROWS / 2, v), held = exponent > 1e-6;
      if (exponent < -NEUTRAL || last) this.result = { kind: held ? "held" : "cycle", period, points, exponent, steps: this.steps };
      else this.stage++;
    } else if (period === 0 && this.stage >= STAGES.length - 2) this.means = { v: engine.direction(), values: [] };
    else this.stage++;
  }

  measureBlock() {
    const { engine, means } = this, { taken } = engine.orbit(this.z, BLOCK_STEPS, 1e307);
    if (taken < BLOCK_STEPS) { this.result = this.escaped(); return; }
    means.values.push(engine.stretching(BLOCK_STEPS, means.v));
    this.move(BLOCK_STEPS);
    if (this.result !== null || means.values.length < BLOCKS) return;
    const mean = means.values.reduce((a, b) => a + b) / BLOCKS;
    const error = Math.sqrt(means.values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (BLOCKS - 1) / BLOCKS);
    const measured = { period: 0, exponent: mean, error, steps: this.steps };
    this.means = null;
    if (mean > LEAST_EXPONENT && mean > 5 * error) this.result = { kind: "chaotic", ...measured };
    else if (this.engine.dim > 1 && Math.abs(mean) <= Math.max(5 * error, ABOUT_ZERO)) this.path = { rows: [], measured };
    else this.endStage(measured);
  }

  endStage(measured) {
    if (++this.stage === STAGES.length) this.result = { kind: "undecided", ...measured };
  }

  // An orbit of exponent 0 fills a curve, or a torus, if its averages converge as fast as they do there.
  followPath() {
    const { engine, path: { rows, measured } } = this, d = engine.dim, { taken, states } = engine.orbit(this.z, BLOCK_STEPS, 1e307);
    if (taken < BLOCK_STEPS) { this.result = this.escaped(); return; }
    for (let k = 0; k < BLOCK_STEPS; k++) rows.push(states.slice(k * d, (k + 1) * d));
    this.z.set(states.subarray(BLOCK_STEPS * d));
    this.steps += BLOCK_STEPS;
    if (rows.length < 2 * AVERAGED) return;
    this.path = null;
    if (averagesDigits(rows, d) >= QUASI_DIGITS) this.result = { kind: "quasi-periodic", ...measured, steps: this.steps };
    else this.endStage({ ...measured, steps: this.steps });
  }
}

// Digits to which weighted Birkhoff averages of each entry and its square agree over both halves of the rows.
export function averagesDigits(rows, dim) {
  const n = rows.length / 2, weights = Array.from({ length: n - 1 }, (_, k) => { const s = (k + 1) / n; return Math.exp(-1 / (s * (1 - s))); });
  const total = weights.reduce((a, b) => a + b);
  let gap = 0;
  for (let i = 0; i < dim; i++) {
    const first = rows.slice(0, n).map((row) => row[i]), mean = first.reduce((a, b) => a + b) / n;
    const size = first.reduce((a, b) => Math.max(a, b)) - first.reduce((a, b) => Math.min(a, b)) || 1;
    for (const power of [1, 2]) {
      const average = (from) => weights.reduce((sum, weight, k) => sum + weight * ((rows[from + 1 + k][i] - mean) / size) ** power, 0) / total;
      gap = Math.max(gap, Math.abs(average(0) - average(n)));
    }
  }
  return Number.isFinite(gap) ? -Math.log10(Math.max(gap, 1e-17)) : 0;
}

// The name of the colour of a result.
export function regimeOf(result) {
  if (result === null) return "undecided";
  if (result.kind !== "cycle") return { left: "divergent", held: "undecided" }[result.kind] ?? result.kind;
  return result.period === 1 ? "fixed point" : result.period <= 10 ? `period ${result.period}` : "period";
}

// True on a continuum of fixed points, such as minima that are not isolated.
export function isNeutralPoint(result) {
  return result?.kind === "cycle" && result.period === 1 && result.exponent >= -NEUTRAL;
}

// One sentence; `ratio`: the parameter over the edge, NaN if there is none.
export function sentenceOf(result, ratio) {
  if (result === null) return "Computing …";
  const beside = Number.isFinite(ratio) ? `, ${shortNumber(ratio, 3)} × the edge of stability.` : ".";
  if (result.kind === "cycle") {
    const name = result.period === 1 ? "fixed point" : `${result.period}-cycle`;
    const stable = result.exponent < -NEUTRAL;
    return `${stable ? "Stable " + name : name[0].toUpperCase() + name.slice(1) + ", neutral"}${beside}`;
  }
  if (result.kind === "divergent") return `The orbit diverges after ${grouped(result.steps)} steps${beside}`;
  if (result.kind === "left") return `The orbit leaves the domain of the loss after ${grouped(result.steps)} steps${beside}`;
  if (result.kind === "held") return `Undecided: after ${grouped(result.steps)} steps round-off holds it at an unstable ${result.period === 1 ? "fixed point" : `${result.period}-cycle`}${beside}`;
  const exponent = `Lyapunov exponent ${shortNumber(result.exponent, result.error > 0.02 * Math.abs(result.exponent) ? 1 : 2)}`;
  if (result.kind === "quasi-periodic") return `Quasi-periodic: ${exponent}${beside}`;
  if (result.kind === "chaotic") return `Chaotic: ${exponent}${beside}`;
  return `Undecided: no cycle of up to ${LONGEST_PERIOD} steps within ${grouped(result.steps)}, ${exponent}${beside}`;
}
