// Level lines of a function of two variables on a grid.

export function sampleGrid(f, [x0, x1], [y0, y1], n) {
  const values = new Float64Array(n * n);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) {
    values[j * n + i] = f(x0 + ((x1 - x0) * i) / (n - 1), y0 + ((y1 - y0) * j) / (n - 1));
  }
  return { values, n, x: [x0, x1], y: [y0, y1] };
}

// Levels between which lie equal shares of the values.
export function levelsOf(grid, count) {
  const sorted = Float64Array.from(grid.values.filter(Number.isFinite)).sort();
  const levels = Array.from({ length: count }, (_, k) => sorted[Math.floor(((k + 0.75) / count) * (sorted.length - 1))]);
  return levels.filter((level, k) => level !== undefined && (k === 0 || level > levels[k - 1]));
}

// Where a level crosses the edges of the grid's triangles: segments [x, y, x, y].
export function levelSegments({ values, n, x, y }, level) {
  const segments = [];
  const at = (i, j) => [x[0] + ((x[1] - x[0]) * i) / (n - 1), y[0] + ((y[1] - y[0]) * j) / (n - 1), values[j * n + i] - level];
  const crossing = ([ax, ay, a], [bx, by, b]) => { const t = a / (a - b); return [ax + t * (bx - ax), ay + t * (by - ay)]; };
  for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
    const corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
    if (!corners.every((corner) => Number.isFinite(corner[2]))) continue;
    if (corners.every((corner) => corner[2] > 0) || corners.every((corner) => corner[2] <= 0)) continue;
    for (const triangle of [[0, 1, 2], [0, 2, 3]]) {
      const crossed = [];
      for (let k = 0; k < 3; k++) {
        const a = corners[triangle[k]], b = corners[triangle[(k + 1) % 3]];
        if (a[2] > 0 !== b[2] > 0) crossed.push(...crossing(a, b));
      }
      if (crossed.length === 4) segments.push(crossed);
    }
  }
  return segments;
}
