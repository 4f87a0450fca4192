// The minimum nearest to a point, and the edge of stability there.

// Newton's method with the curvatures' absolute values, each step halved until the loss falls.
export function descendToMinimum(engine, from) {
  let w = Float64Array.from(from), value = engine.loss(w);
  for (let k = 0; k < 100; k++) {
    const g = engine.gradient(w), move = uphill(engine.hessian(w), g, w);
    let part = 1, next = w, lower = value;
    for (; part > 1e-9; part /= 2) {
      next = w.map((x, i) => x - part * move[i]);
      lower = engine.loss(next);
      if (lower <= value) break;
    }
    const moved = Math.hypot(...move.map((x) => part * x));
    if (!(part > 1e-9)) break;
    w = next;
    value = lower;
    if (moved <= 1e-14 * (1 + Math.hypot(...w))) break;
  }
  const size = 1 + Math.hypot(...w), sharpness = engine.sharpness(w);
  const still = Math.hypot(...uphill(engine.hessian(w), engine.gradient(w), w)) <= 1e-6 * size; // not where a valley falls on
  return still && sharpness > 0 && Number.isFinite(value) ? { w, sharpness, loss: value } : null;
}

// |H|⁻¹ g, no longer than the size of w.
function uphill(h, g, w) {
  const longest = 1 + Math.hypot(...w), least = 1e-10;
  const divided = (rate, slope) => slope / Math.max(Math.abs(rate), least);
  let move;
  if (g.length === 1) move = [divided(h[0], g[0])];
  else {
    const mean = (h[0] + h[3]) / 2, gap = (h[0] - h[3]) / 2, spread = Math.hypot(gap, h[1]);
    const angle = Math.atan2(h[1], gap) / 2, c = Math.cos(angle), s = Math.sin(angle);
    const along = divided(mean + spread, c * g[0] + s * g[1]), across = divided(mean - spread, c * g[1] - s * g[0]);
    move = [c * along - s * across, s * along + c * across];
  }
  const length = Math.hypot(...move);
  return length > longest ? move.map((x) => (x * longest) / length) : move;
}

// Of the minima that descents from `start` and from `known` points end in, the one nearest to the start.
export function nearestMinimum(engine, start, known) {
  const distance = (found) => Math.hypot(...found.w.map((x, i) => x - start[i]));
  const found = [start, ...known].map((from) => descendToMinimum(engine, from)).filter((one) => one !== null);
  return found.reduce((best, one) => (best === null || distance(one) < distance(best) - 1e-9 ? one : best), null);
}
