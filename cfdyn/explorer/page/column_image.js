// The states of the columns as a picture: the more of them in a pixel, the darker.

import { KEPT } from "./columns.js";

const DARK_FROM = 0.05; // of all states of a column in one pixel: this is half of the ink

export class ColumnImage {
  constructor(count, height, range, ink, density) {
    this.layer = document.createElement("canvas");
    [this.layer.width, this.layer.height] = [count, height];
    this.context = this.layer.getContext("2d");
    this.image = this.context.createImageData(count, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.rows = new Float64Array(height);
    const [r, g, b] = [1, 3, 5].map((i) => parseInt(ink.slice(i, i + 2), 16));
    this.ink = (b << 16) | (g << 8) | r;
    this.thick = Math.max(1, Math.round(density / 2)) + 1;
    Object.assign(this, { count, height, range, dirty: false });
  }

  paint({ k, wide, states }) {
    const { rows, pixels, count, height, thick, range: [lo, hi] } = this, end = Math.min(count, k + wide), share = 1 / Math.max(states.length, KEPT / 4);
    rows.fill(0);
    for (let i = 0; i < states.length; i++) {
      const row = Math.round(((hi - states[i]) / (hi - lo)) * (height - 1));
      if (row >= 0 && row < height) for (let j = row; j < row + thick && j < height; j++) rows[j] += share;
    }
    for (let row = 0; row < height; row++) {
      const alpha = rows[row] > 0 ? Math.round(255 * (0.16 + 0.84 * (1 - 2 ** (-rows[row] / DARK_FROM)))) : 0;
      const pixel = ((alpha << 24) | this.ink) >>> 0;
      for (let x = k; x < end; x++) pixels[row * count + x] = pixel;
    }
    this.dirty = true;
  }

  canvas() {
    if (this.dirty) this.context.putImageData(this.image, 0, 0);
    this.dirty = false;
    return this.layer;
  }
}
