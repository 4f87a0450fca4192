// Multipliers of a cycle: the eigenvalues of the product of the Jacobians along it.

import { shortNumber } from "./numbers.js";

const ROUNDS = 500, SAME = 1e-9;

// Pairs [re, im], the largest modulus first; null if a Jacobian is not finite.
export function multipliersOf(engine, points) {
  const d = engine.dim;
  let product = Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  for (const z of points) product = times(engine.jacobian(z), product, d);
  return product.every(Number.isFinite) ? eigenvalues(product, d).sort((a, b) => modulus(b) - modulus(a) || b[1] - a[1]) : null;
}

export const modulus = ([re, im]) => Math.hypot(re, im);

// "−0.53", or "0.2 ± 0.5i, modulus 0.54": the largest, a pair as one.
export function leadingText([largest]) {
  const [re, im] = largest;
  return Math.abs(im) <= SAME * modulus(largest) ? shortNumber(re, 3) : `${shortNumber(re, 3)} ± ${shortNumber(Math.abs(im), 3)}i, modulus ${shortNumber(modulus(largest), 3)}`;
}

function times(a, b, d) {
  return Array.from({ length: d * d }, (_, k) => { const i = Math.floor(k / d), j = k % d; let sum = 0; for (let m = 0; m < d; m++) sum += a[i * d + m] * b[m * d + j]; return sum; });
}

// Zeros of the characteristic polynomial (Faddeev–LeVerrier), all at once (Aberth); states have few entries.
function eigenvalues(matrix, d) {
  if (d === 1) return [[matrix[0], 0]];
  const size = Math.max(...matrix.map(Math.abs)) || 1, a = matrix.map((x) => x / size), coefficients = [1];
  let m = Array.from({ length: d * d }, () => 0);
  for (let k = 1; k <= d; k++) {
    m = times(a, m, d);
    for (let i = 0; i < d; i++) m[i * (d + 1)] += coefficients[k - 1];
    const am = times(a, m, d);
    coefficients.push(-Array.from({ length: d }, (_, i) => am[i * (d + 1)]).reduce((x, y) => x + y) / k);
  }
  return zeros(coefficients).map(([re, im]) => [re * size, im * size]);
}

const add = ([a, b], [c, d]) => [a + c, b + d], multiply = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];
const divide = ([a, b], [c, d]) => { const s = c * c + d * d; return [(a * c + b * d) / s, (b * c - a * d) / s]; };

// Of a polynomial, the highest coefficient first, which is 1.
function zeros(coefficients) {
  const n = coefficients.length - 1;
  if (n === 2) return quadratic(coefficients[1], coefficients[2]);
  let points = Array.from({ length: n }, (_, k) => [Math.cos(1 + (2 * Math.PI * k) / n), Math.sin(1 + (2 * Math.PI * k) / n)]);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = 0;
    points = points.map((z, k) => {
      let value = [0, 0], slope = [0, 0];
      for (const c of coefficients) { slope = add(multiply(slope, z), value); value = add(multiply(value, z), [c, 0]); }
      if (value[0] === 0 && value[1] === 0) return z;
      const newton = divide(value, slope);
      let apart = [0, 0];
      points.forEach((other, j) => { const gap = [z[0] - other[0], z[1] - other[1]]; if (j !== k && (gap[0] !== 0 || gap[1] !== 0)) apart = add(apart, divide([1, 0], gap)); });
      const step = divide(newton, add([1, 0], multiply([-1, 0], multiply(newton, apart))));
      if (!step.every(Number.isFinite)) return z;
      moved = Math.max(moved, modulus(step));
      return [z[0] - step[0], z[1] - step[1]];
    });
    if (moved < 1e-15) break;
  }
  return points;
}

// z² + b z + c; the smaller real zero by the product, which loses no digits.
function quadratic(b, c) {
  const half = -b / 2, square = half * half - c;
  if (square < 0) return [[half, Math.sqrt(-square)], [half, -Math.sqrt(-square)]];
  const far = half + Math.sign(half || 1) * Math.sqrt(square);
  return [[far, 0], [far === 0 ? 0 : c / far, 0]];
}
