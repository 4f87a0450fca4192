// The cells of a map of periods over two parameters: the regime of one orbit each, coarse cells first.

import { judged, paceOf, REGIME_NAMES, TRANSIENT } from "./columns.js";
import { LANES, MOST_KEPT } from "./engine.js";

const FIRST = [8, 64], FIRST_LASTS = 200; // cells of a side in the first pass, the more the slower the map; milliseconds

// Yields {places, wide, regimes}, where a place is row × columns + column, and {pass: wide} when every cell of that width is there.
export function* cells(engine, job) {
  const [xs, ys] = job.grid, divergent = REGIME_NAMES.indexOf("divergent");
  const regimesOf = (places) => {
    const pairs = places.map((place) => [xs[place % xs.length], ys[Math.floor(place / xs.length)]]);
    engine.setParameters(job.values);
    return Uint8Array.from(engine.follow(job.start, job.axes, pairs, TRANSIENT, MOST_KEPT), (states, i) => {
      if (!engine.inside(states.subarray((MOST_KEPT - 1) * engine.dim))) return divergent;
      job.axes.forEach((name, k) => engine.setParameter(name, pairs[i][k]));
      return judged(engine, states, MOST_KEPT).code;
    });
  };
  const all = paceOf(engine, job) * (TRANSIENT + MOST_KEPT) * xs.length * ys.length;
  let widest = FIRST[0];
  while (widest < FIRST[1] && all / widest ** 2 > FIRST_LASTS) widest *= 2;
  for (let wide = widest; wide >= 1; wide /= 2) {
    let places = [];
    for (let row = 0; row < ys.length; row += wide) for (let column = 0; column < xs.length; column += wide) {
      const known = wide < widest && row % (2 * wide) === 0 && column % (2 * wide) === 0;
      if (!known) places.push(row * xs.length + column);
      if (places.length === LANES) { yield { places, wide, regimes: regimesOf(places) }; places = []; }
    }
    if (places.length) yield { places, wide, regimes: regimesOf(places) };
    yield { pass: wide };
  }
}
