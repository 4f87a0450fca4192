// The error function, which browsers lack: within 1 unit in the last place.

const PREFACTOR = 2 / Math.sqrt(Math.PI);
const SMALL = 22; // terms of the Taylor series about 0, enough up to |x| = 3/4
const CENTRE = 1.375, TERMS = 34; // of the one about 11/8, enough from 3/4 to 2
const AT_CENTRE = 0.9481700727820903, REST = 1.071691533519912e-17; // erf(11/8) as a sum of two doubles
const FRACTION = 60; // terms of the continued fraction, enough from |x| = 2 on

// erf(x)/x − 1 in powers of x²: 2/√π − 1, then 2/√π (−1)ⁿ/(n!(2n+1)).
const NEAR_ZERO = (() => {
  const list = [0.1283791670955126];
  for (let n = 1, factor = PREFACTOR; n < SMALL; n++) list.push((factor /= -n) / (2 * n + 1));
  return list;
})();

// exp(a² − (a+h)²) = Σ gₙ hⁿ, where (n+1) gₙ₊₁ = −2a gₙ − 2 gₙ₋₁; integrated, times the slope at a.
const NEAR_CENTRE = (() => {
  const g = [1], slope = PREFACTOR * Math.exp(-CENTRE * CENTRE);
  for (let n = 0; n < TERMS; n++) g.push((-2 * CENTRE * g[n] - 2 * (g[n - 1] ?? 0)) / (n + 1));
  return g.map((value, n) => (slope * value) / (n + 1));
})();

const polynomial = (list, x) => list.reduceRight((sum, value) => sum * x + value, 0);

export function erf(x) {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (size >= 6) return Math.sign(x);
  if (size < 0.75) return x + x * polynomial(NEAR_ZERO, x * x);
  if (size < 2) return Math.sign(x) * (AT_CENTRE + (REST + (size - CENTRE) * polynomial(NEAR_CENTRE, size - CENTRE)));
  let below = size; // erfc(x) √π exp(x²) = 1/(x + ½/(x + 1/(x + 3/2/(x + …))))
  for (let n = FRACTION; n > 0; n--) below = size + n / 2 / below;
  return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * below));
}
