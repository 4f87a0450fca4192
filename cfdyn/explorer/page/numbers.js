// Numbers as people read them.

export function shortNumber(x, digits = 4) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "undefined" : x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-4) {
    const [mantissa, power] = x.toExponential(Math.max(0, digits - 1)).split("e");
    return `${String(Number(mantissa))}e${Number(power)}`.replaceAll("-", "−");
  }
  return String(Number(x.toPrecision(digits))).replace("-", "−");
}

export function grouped(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

// Round values between lo and hi, about `count` of them.
export function ticksBetween(lo, hi, count) {
  const rough = (hi - lo) / Math.max(1, count), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough * 0.999) * power;
  if (!(step > 0) || !Number.isFinite(step)) return [];
  const ticks = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step && ticks.length < 50; k++) ticks.push(k * step);
  return ticks.length < 2 && count < 8 ? ticksBetween(lo, hi, 2 * count) : ticks;
}

// The words for ticks, which differ: more digits where they are close together, and from `most` digits on what lies between them
// and the first, whose words are then `from`.
export function tickLabels(ticks, most = 5) {
  const size = Math.max(...ticks.map(Math.abs)), digits = Math.max(4, Math.ceil(Math.log10(size / (ticks[1] - ticks[0]))) + 1);
  if (ticks.length < 2 || digits <= most) return { labels: ticks.map((tick) => shortNumber(tick, digits || 4)), from: "" };
  return { labels: ticks.map((tick) => shortNumber(tick - ticks[0], 3)), from: shortNumber(ticks[0], 12) };
}

// The extent of finite values, wider by a part on both sides.
export function paddedExtent(values, part = 0.06) {
  let lo = Infinity, hi = -Infinity;
  for (const x of values) if (Number.isFinite(x)) { lo = Math.min(lo, x); hi = Math.max(hi, x); }
  if (!(lo <= hi)) return [-1, 1];
  const pad = lo === hi ? 0.1 * Math.max(Math.abs(lo), 1e-3) : part * (hi - lo);
  return [lo - pad, hi + pad];
}
