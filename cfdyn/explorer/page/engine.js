// The map's own WebAssembly, with arrays in its memory. All numbers are doubles.

import { erf } from "./special.js";

const ESCAPE = 1e15, FARTHEST = 1e307; // an orbit that is drawn ends at the first; a verdict follows it to the second
const MOST_STEPS = 4096; // that are kept at once
const WORD = 8, BATCH = 16; // lengths whose product has one logarithm
export const START = "start."; // before the index of an entry, where it is what is varied
export const LANES = 8, MOST_KEPT = 256, MOST_NOISE = 2048; // orbits that are followed together, states of each that are kept, and steps with noise

export async function loadEngine(scene, bytes) {
  const math = { ...Object.fromEntries(Object.getOwnPropertyNames(Math).map((name) => [name, Math[name]])), erf };
  const { instance } = await WebAssembly.instantiate(bytes, { math });
  return new Engine(scene, instance.exports);
}

export class Engine {
  constructor(scene, exports) {
    this.rules = exports;
    this.dim = scene.names.length;
    this.weights = scene.weights;
    this.names = scene.params.map((parameter) => parameter.name);
    const d = this.dim, sizes = {
      p: this.names.length + scene.table.length, z: d, rows: (MOST_STEPS + 1) * d, scratch: 66 * d + d * d, v: d,
      lengths: MOST_STEPS, out: d * d + 8, lanes: LANES * MOST_KEPT * d, values: 2 * LANES,
      disturbed: this.names.length + this.weights + scene.table.length, noise: MOST_NOISE * this.weights,
    };
    let end = 64;
    const at = Object.entries(sizes).map(([name, size]) => { const begin = end; end += WORD * (size + 1); return [name, begin, size]; });
    const missing = Math.ceil((end - exports.memory.buffer.byteLength) / 65536);
    if (missing > 0) exports.memory.grow(missing);
    this.at = {};
    this.data = {};
    for (const [name, begin, size] of at) {
      this.at[name] = begin;
      this.data[name] = new Float64Array(exports.memory.buffer, begin, size);
    }
    this.data.p.set(scene.table, this.names.length);
    this.data.disturbed.set(scene.table, this.names.length + this.weights);
  }

  setParameters(values) {
    this.names.forEach((name, i) => { this.data.p[i] = this.data.disturbed[i] = values[name]; });
  }

  // A parameter, or nothing where the name is another one's.
  setParameter(name, value) {
    const at = this.names.indexOf(name);
    if (at >= 0) this.data.p[at] = value;
  }

  // A program's outputs at a state (weights are enough for the loss and its derivatives).
  evaluate(what, z, count) {
    this.data.z.set(z);
    this.rules[what](this.at.z, this.at.p, this.at.out);
    return this.data.out.slice(0, count);
  }

  step(z) { return this.evaluate("step", z, this.dim); }
  loss(w) { return this.evaluate("loss", w, 1)[0]; }
  gradient(w) { return this.evaluate("gradient", w, this.weights); }
  jacobian(z) { return [...this.evaluate("jacobian", z, this.dim ** 2)]; }
  hessian(w) { return this.evaluate("hessian", w, this.weights ** 2); }
  threshold() { return this.rules.threshold ? this.evaluate("threshold", [], 1)[0] : NaN; }

  // z and up to n states after it, one behind the other; `taken` of them are there.
  orbit(z, n, escape = ESCAPE) {
    this.data.rows.set(z);
    const taken = this.rules.iterate(this.at.rows, this.at.p, Math.min(n, MOST_STEPS), escape);
    return { taken, states: this.data.rows.subarray(0, (taken + 1) * this.dim) };
  }

  // Move z on in place; the number of steps until it escapes.
  advance(z, n, escape = FARTHEST) {
    this.data.z.set(z);
    const taken = this.rules.advance(this.at.z, this.at.p, n, escape, this.at.scratch);
    z.set(this.data.z);
    return taken;
  }

  // The least period of the n states that `orbit` or `follow` kept, 0 if none.
  period(n, most, tolerance, floor, states = this.data.rows) {
    return this.rules.period(states.byteOffset, n, most, tolerance, floor);
  }

  // The mean logarithm of the factors by which n states that were kept stretch the direction v, which turns with them.
  stretching(n, v, states = this.data.rows) {
    this.data.v.set(v);
    const kept = this.rules.lengths(states.byteOffset, this.at.p, n, this.at.v, this.at.lengths, this.at.scratch);
    v.set(this.data.v);
    const sum = sumOfLogarithms(this.data.lengths, kept);
    return kept < n ? (this.data.lengths[kept] === 0 ? -Infinity : NaN) : sum / n;
  }

  // Follow one orbit for each of `pairs`, the values of two names (of one, if they agree): a parameter, or an entry of the start such
  // as "start.0". `settled` steps are not kept, then `kept` states each, D numbers one behind the other. An orbit beyond the escape
  // stays where it left. `noise`: what is added to the gradient, for each step and weight, or null.
  follow(z, names, pairs, settled, kept, noise = null) {
    const d = this.dim, size = MOST_KEPT * d, { lanes, values } = this.data;
    pairs.forEach((pair, i) => {
      lanes.set(z, i * size);
      names.forEach((name, k) => { if (name.startsWith(START)) lanes[i * size + Number(name.slice(START.length))] = pair[k]; });
      values.set(pair, 2 * i);
    });
    this.together(names, pairs.length, settled, FARTHEST, 0, noise);
    this.together(names, pairs.length, kept - 1, ESCAPE, WORD * d, noise && noise.subarray(settled * this.weights));
    return pairs.map((_, i) => lanes.subarray(i * size, i * size + kept * d));
  }

  // One call of the loop of that name; `move`: the bytes between two states that are kept, 0 if the last one alone is.
  together(names, count, n, escape, move, noise) {
    const at = this.at, p = noise ? at.disturbed : at.p, slots = names.map((name) => (this.names.includes(name) ? p + WORD * this.names.indexOf(name) : at.out));
    if (noise) this.data.noise.set(noise.subarray(0, n * this.weights));
    this.rules.together(at.lanes, WORD * MOST_KEPT * this.dim, p, ...slots, at.values, count, n, escape, move, noise ? at.noise : 0, at.disturbed + WORD * this.names.length);
  }

  // As `orbit`, with noise.
  disturbedOrbit(z, n, noise) {
    const d = this.dim, one = this.names[0];
    this.data.lanes.set(z);
    this.data.values.fill(this.data.p[0], 0, 2);
    this.together([one, one], 1, n, ESCAPE, WORD * d, noise);
    let taken = 0;
    while (taken < n && this.inside(this.data.lanes.subarray((taken + 1) * d, (taken + 2) * d))) taken++;
    return { taken, states: this.data.lanes.subarray(0, (taken + 1) * d) };
  }

  // True if a state is one of an orbit that goes on.
  inside(z) { return z.every((x) => Math.abs(x) <= ESCAPE); }

  direction() { return new Float64Array(this.dim).fill(this.dim ** -0.5); }

  sharpness(w) {
    const h = this.hessian(w);
    if (this.weights === 1) return h[0];
    const mean = (h[0] + h[3]) / 2, gap = (h[0] - h[3]) / 2;
    return mean + Math.hypot(gap, h[1]);
  }
}

// Of positive numbers; a product that leaves the doubles is taken apart.
function sumOfLogarithms(values, count) {
  let sum = 0;
  for (let k = 0; k < count; k += BATCH) {
    const end = Math.min(count, k + BATCH);
    let product = 1;
    for (let i = k; i < end; i++) product *= values[i];
    if (product > 1e-290 && product < 1e300) sum += Math.log(product);
    else for (let i = k; i < end; i++) sum += Math.log(values[i]);
  }
  return sum;
}
