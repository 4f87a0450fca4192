// The gradient flow and the central flow of descent with or without momentum, computed in the page. One unit of time is one step.

const FINEST = 0.05, MOST_PIECES = 2000, MOST_PIECES_OF_ROWS = 200; // steps between two points
const TURNS = 120, UNDAMPED = 8, ROUND_OFF = 1e-12, DOUBLE = 1e-3, FAR = 10; // of Newton's method; of the edge: two modes at it; of a start: a move

// The points of dw/dt = −Gηg, G the gain of momentum, by the classical Runge–Kutta method.
export function gradientFlow(engine, start, time, rows = 0) {
  return pathOf(weightsOf(engine, start), time, rows, (w, dt) => slide(engine, w, dt));
}

// The points of dw/dt = −Gη(g + ½∇⟨H, Σ⟩) with sharpness at most θ/η, 2/η without momentum: after each piece of the gradient flow the nearest state that
// is not beyond the edge. [] where there is none near the start; the points end where two modes are at the edge.
export function centralFlow(engine, start, time, rows = 0) {
  const edge = engine.evaluate("edge", [], 1)[0], first = ontoEdge(engine, weightsOf(engine, start), edge);
  return first === null ? [] : pathOf(first, time, rows, (w, dt) => ontoEdge(engine, slide(engine, w, dt), edge));
}

// The momentum is slaved to the drift.
const weightsOf = (engine, state) => state.slice(0, engine.weights);

function pathOf(start, time, rows, advance) {
  const pieces = Math.min(rows ? MOST_PIECES_OF_ROWS : MOST_PIECES, Math.ceil(time / FINEST)), points = [Float64Array.from(start)];
  for (let k = 0; k < pieces; k++) {
    const next = advance(points[k], time / pieces);
    if (next === null || !next.every((x) => Number.isFinite(x) && Math.abs(x) < 1e6)) break;
    points.push(next);
  }
  return points;
}

function slide(engine, w, dt) {
  const pace = engine.evaluate("pace", [], 1)[0], rate = (at) => engine.gradient(at).map((x) => -x / pace), plus = (v, part) => w.map((x, i) => x + part * v[i]);
  const a = rate(w), b = rate(plus(a, dt / 2)), c = rate(plus(b, dt / 2)), d = rate(plus(c, dt));
  return w.map((x, i) => x + (dt / 6) * (a[i] + 2 * b[i] + 2 * c[i] + d[i]));
}

// The state nearest to `from` with sharpness at most `edge`, where one mode is at it; else null.
function ontoEdge(engine, from, edge) {
  if (engine.sharpness(from) <= edge) return from;
  let w = from;
  for (let k = 0; k < TURNS; k++) {
    const { sharpness, gap, slope } = modeOf(engine, w), size = slope.reduce((sum, x) => sum + x * x, 0);
    if (!(gap > DOUBLE * edge) || !(size > 0)) return null;
    const away = slope.reduce((sum, x, i) => sum + x * (from[i] - w[i]), 0), part = (edge - sharpness - away) / size;
    const next = from.map((x, i) => x + part * slope[i]), moved = Math.hypot(...next.map((x, i) => x - w[i]));
    if (!(Math.hypot(...next.map((x, i) => x - from[i])) < FAR * (1 + Math.hypot(...from)))) return null;
    w = next.map((x, i) => w[i] + (k < UNDAMPED ? 1 : 0.3) * (x - w[i]));
    if (moved <= ROUND_OFF * (1 + Math.hypot(...w))) return Math.abs(engine.sharpness(w) - edge) <= 1e-6 * edge ? w : null;
  }
  return null;
}

// The sharpness, how far the other eigenvalue is below it, and the sharpness's gradient.
function modeOf(engine, w) {
  const d = engine.weights, third = engine.evaluate("third", w, d ** 3), h = engine.hessian(w);
  if (d === 1) return { sharpness: h[0], gap: Infinity, slope: third };
  const mean = (h[0] + h[3]) / 2, half = (h[0] - h[3]) / 2, spread = Math.hypot(half, h[1]), angle = Math.atan2(h[1], half) / 2;
  const u = [Math.cos(angle), Math.sin(angle)];
  return { sharpness: mean + spread, gap: 2 * spread, slope: Float64Array.from([0, 1], (i) => u.reduce((sum, uj, j) => sum + uj * (u[0] * third[4 * i + 2 * j] + u[1] * third[4 * i + 2 * j + 1]), 0)) };
}
