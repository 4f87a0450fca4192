// The columns of an orbit diagram: long-time states, their regime and their Lyapunov exponent, coarse ones first.

import { LANES, MOST_KEPT } from "./engine.js";
import { normalNumbers } from "./noise.js";

export const TRANSIENT = 1200; // steps of a column before its states are kept
const LONGEST_SHOWN = 64, NEAR_RETURN = 1e-6, LEAST_CHAOS = 0.02; // an orbit that leaves a weakly unstable cycle expands too
const COARSEST = 16, AT_ONCE = 40, LATE = 60; // of columns; milliseconds of a whole diagram without passes, of a first pass
const GLANCE = [60, 40], GLANCES = 100; // steps and columns of a first look at a slow map
const TRIED = 64, TRIED_MOST = 4096; // steps by which the pace of a map is measured

// What stands for a regime in a message, as an index.
export const REGIME_NAMES = ["undecided", "fixed point", ...Array.from({ length: 9 }, (_, k) => `period ${k + 2}`), "period", "chaotic", "divergent"];
const codeOf = (name) => REGIME_NAMES.indexOf(name);

export function regimeCode(engine, period, exponent) {
  if (!isJudged(engine)) return 0;
  if (period === 0 && exponent > LEAST_CHAOS) return codeOf("chaotic");
  if (period === 0 || exponent > 1e-3) return 0;
  return period > 10 ? codeOf("period") : period;
}

// What the states of one orbit show.
export function judged(engine, states, kept) {
  const period = engine.period(kept, LONGEST_SHOWN, NEAR_RETURN, 1e-9, states), exponent = engine.stretching(kept, engine.direction(), states);
  return { code: regimeCode(engine, period, exponent), exponent };
}

// Some columns k of equal width: their states one behind the other, judged if they have settled, which a glance has not, and there
// is no noise.
function block(engine, job, ks, wide, [transient, kept], noise) {
  const d = engine.dim, shown = new Float32Array(ks.length * kept), regimes = new Uint8Array(ks.length), exponents = new Float32Array(ks.length).fill(NaN);
  const values = ks.map((k) => job.from + ((job.to - job.from) * (k + 0.5)) / job.count);
  engine.setParameters(job.values);
  engine.follow(job.start, [job.over, job.over], values.map((value) => [value, value]), transient, kept, noise).forEach((states, i) => {
    if (!engine.inside(states.subarray((kept - 1) * d))) regimes[i] = codeOf("divergent");
    else {
      if (d === 1) shown.set(states, i * kept);
      else for (let k = 0; k < kept; k++) shown[i * kept + k] = states[k * d + job.entry];
      if (kept < MOST_KEPT || noise) return;
      engine.setParameter(job.over, values[i]);
      const { code, exponent } = judged(engine, states, kept);
      regimes[i] = code;
      exponents[i] = exponent;
    }
  });
  return { ks, wide, kept, states: shown, regimes, exponents };
}

// Milliseconds of a step: measured before the first job, and later by `columns`, since a browser compiles again what runs often.
export function paceOf(engine, { values, start }) {
  if (engine.pace !== undefined) return engine.pace;
  const [name] = engine.names, pairs = new Array(LANES).fill([values[name], values[name]]);
  const spent = (n) => { const began = performance.now(); engine.follow(start, [name, name], pairs, n, 1); return performance.now() - began; };
  engine.setParameters(values);
  spent(1);
  let n = TRIED, found = spent(n);
  while (found < 0.5 && n < TRIED_MOST) found = spent((n *= 2));
  return found / (n * LANES);
}

// Whether its columns and cells have regimes: not where averages of an optimizer fall for longer than the orbits are followed.
export function isJudged(engine) { return engine.dim === engine.weights || Boolean(engine.rules.threshold); }

// Yields blocks of columns, and {pass: wide} when every column of that width is there.
export function* columns(engine, job) {
  const noise = job.noise && normalNumbers(job.noise.seed, job.noise.size, (TRANSIENT + MOST_KEPT) * engine.weights); // one for all columns
  const settled = [TRANSIENT, MOST_KEPT], all = paceOf(engine, job) * (TRANSIENT + MOST_KEPT) * job.count;
  function* spread(first, stride, wide, steps) {
    let spent = 0, done = 0;
    for (let k = first; k < job.count; k += stride * LANES) {
      const ks = Array.from({ length: LANES }, (_, i) => k + i * stride).filter((one) => one < job.count), began = performance.now();
      const made = block(engine, job, ks, wide, steps, noise);
      spent += performance.now() - began;
      done += ks.length * (steps[0] + steps[1]);
      yield made;
    }
    engine.pace = spent / done;
  }
  if (all <= AT_ONCE) {
    yield* spread(0, 1, 1, settled);
    yield { pass: 1 };
    return;
  }
  const slow = all > LATE * COARSEST, glances = Math.max(1, Math.ceil(job.count / GLANCES));
  if (slow) {
    yield* spread(0, glances, glances, GLANCE);
    yield { pass: glances };
  }
  for (let wide = COARSEST; wide >= 1; wide /= 2) {
    const first = wide === COARSEST ? 0 : wide;
    yield* spread(first, wide === COARSEST ? wide : 2 * wide, slow ? 1 : wide, settled);
    yield { pass: wide };
  }
}
