// The states of the columns as a picture: the more of them in a pixel, the darker.

import { MOST_KEPT } from "./engine.js";

const DARK_FROM = 0.05; // of all states of a column in one pixel: this is half of the ink
const TILE = 16; // columns of which a row is written at once: memory is slow across rows

export class ColumnImage {
  constructor(count, height) {
    this.layer = document.createElement("canvas");
    [this.layer.width, this.layer.height] = [count, height];
    this.context = this.layer.getContext("2d");
    this.image = this.context.createImageData(count, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.alphas = new Uint8Array(count * height); // column by column
    this.rows = new Uint16Array(height);
    Object.assign(this, { count, height, dirty: new Set(), shades: new Map() });
  }

  fits(count, height) { return this.count === count && this.height === height; }

  // The picture of other states: every column has to be painted.
  begin(range, ink, density) {
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(ink.slice(i, i + 2), 16));
    this.ink = (b << 16) | (g << 8) | r;
    this.thick = Math.max(1, Math.round(density / 2)) + 1;
    this.range = range;
  }

  paint({ k, wide, states }) {
    const { rows, alphas, count, height, thick, range: [lo, hi] } = this, scale = (height - 1) / (hi - lo), shades = this.shadesOf(states.length), first = k * height;
    rows.fill(0);
    for (let i = 0; i < states.length; i++) {
      const at = (hi - states[i]) * scale + 0.5;
      if (at >= 0 && at < height) rows[at | 0]++;
    }
    for (let row = 0, inside = 0; row < height; row++) {
      inside += rows[row] - (row < thick ? 0 : rows[row - thick]);
      alphas[first + row] = shades[inside];
    }
    const end = Math.min(count, k + wide);
    for (let x = k + 1; x < end; x++) alphas.copyWithin(x * height, first, first + height);
    for (let x = k; x < end; x += TILE) this.dirty.add(Math.floor(x / TILE));
    if (end > k) this.dirty.add(Math.floor((end - 1) / TILE));
  }

  // The opacity of a pixel with 0, 1, 2, … of so many states in it.
  shadesOf(kept) {
    if (!this.shades.has(kept)) {
      const share = 1 / Math.max(kept, MOST_KEPT / 4);
      this.shades.set(kept, Uint8Array.from({ length: kept + 1 }, (_, n) => n && Math.round(255 * (0.16 + 0.84 * (1 - 2 ** ((-n * share) / DARK_FROM))))));
    }
    return this.shades.get(kept);
  }

  canvas() {
    const { alphas, pixels, count, height, ink } = this;
    for (const tile of this.dirty) {
      const first = tile * TILE, end = Math.min(count, first + TILE);
      for (let row = 0; row < height; row++) {
        for (let x = first, at = first * height + row; x < end; x++, at += height) pixels[row * count + x] = (alphas[at] << 24) | ink;
      }
    }
    if (this.dirty.size) this.context.putImageData(this.image, 0, 0);
    this.dirty.clear();
    return this.layer;
  }
}
