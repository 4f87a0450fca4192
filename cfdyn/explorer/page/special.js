// The error function, which browsers lack: within 6 units in the last place.

const ERF_FRACTION = 60, ERF_SERIES = 45; // terms of the continued fraction, enough from |x| = 2 on, and of the series before

// exp(−x²) without the rounding error of x²: the square of the head of x is exact.
function gaussian(x) {
  const head = Math.fround(x);
  return Math.exp(-head * head) * Math.exp((head - x) * (head + x));
}

export function erf(x) {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (size >= 6) return Math.sign(x);
  if (size < 2) { // 2/√π exp(−x²) Σ 2ⁿ x²ⁿ⁺¹/(2n+1)!!, all terms of one sign
    let sum = 1;
    for (let n = ERF_SERIES; n > 0; n--) sum = 1 + (sum * 2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * (gaussian(x) * sum * x);
  }
  let below = size; // erfc(x) √π exp(x²) = 1/(x + ½/(x + 1/(x + 3/2/(x + …))))
  for (let n = ERF_FRACTION; n > 0; n--) below = size + n / 2 / below;
  return Math.sign(x) * (1 - gaussian(size) / (Math.sqrt(Math.PI) * below));
}
