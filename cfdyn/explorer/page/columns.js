// The columns of an orbit diagram: long-time states, their regime and their Lyapunov exponent, coarse ones first.

export const TRANSIENT = 1200, KEPT = 256; // steps of a column
const LONGEST_SHOWN = 64, NEAR_RETURN = 1e-6, LEAST_CHAOS = 0.02; // an orbit that leaves a weakly unstable cycle expands too
const COARSEST = 16;
const SLOW = 3, GLANCE = [60, 40], GLANCES = 100; // milliseconds of a column; steps and columns of a first look at a slow map

// The column of a value: its states are judged if it has settled, which a glance has not.
function column(engine, job, value, [transient, kept]) {
  engine.setParameters(job.values);
  engine.setParameter(job.over, value);
  const z = Float64Array.from(job.start), d = engine.dim, first = engine.advance(z, transient);
  const { taken, states } = first === transient ? engine.orbit(z, kept - 1) : { taken: 0 };
  if (taken < kept - 1) return { states: new Float32Array(0), regime: "divergent", exponent: NaN };
  const shown = Float32Array.from({ length: kept }, (_, i) => states[i * d + job.entry]);
  if (kept < KEPT) return { states: shown, regime: "undecided", exponent: NaN };
  const period = engine.period(kept, LONGEST_SHOWN, NEAR_RETURN, 1e-9), exponent = engine.stretching(kept, engine.direction());
  return { states: shown, regime: regime(engine, period, exponent), exponent };
}

function regime(engine, period, exponent) {
  if (engine.dim > engine.weights && !engine.rules.threshold) return "undecided"; // averages fall for much longer
  if (period === 0 && exponent > LEAST_CHAOS) return "chaotic";
  if (period === 0 || exponent > 1e-3) return "undecided";
  return period === 1 ? "fixed point" : period > 10 ? "period" : `period ${period}`;
}

// Yields {k, wide, states, regime, exponent}, and {pass: wide} when every column of that width is there.
export function* columns(engine, job) {
  const valueOf = (k) => job.from + ((job.to - job.from) * (k + 0.5)) / job.count;
  const settled = [TRANSIENT, KEPT], began = performance.now();
  const first = column(engine, job, valueOf(0), settled), slow = performance.now() - began > SLOW;
  if (slow) {
    const wide = Math.max(1, Math.ceil(job.count / GLANCES));
    for (let k = 0; k < job.count; k += wide) yield { k, wide, ...column(engine, job, valueOf(k), GLANCE) };
    yield { pass: wide };
  }
  for (let wide = COARSEST; wide >= 1; wide /= 2) {
    for (let k = 0; k < job.count; k += wide) {
      const known = wide < COARSEST && k % (2 * wide) === 0;
      if (!known) yield { k, wide: slow ? 1 : wide, ...(k === 0 ? first : column(engine, job, valueOf(k), settled)) };
    }
    yield { pass: wide };
  }
}
