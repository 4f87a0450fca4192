// Normal numbers that are a function of a seed, of the run 0 and of their place: the same as in Python, from Philox 4x32-10.

const GRADIENTS = 2; // the kind of stream

// The 64 bits of a product of two words, as two words.
function product(a, b) {
  const low = (a & 0xffff) * b, high = (a >>> 16) * b, carried = (high % 65536) * 65536 + low;
  return [(Math.floor(high / 65536) + Math.floor(carried / 4294967296)) >>> 0, carried >>> 0];
}

export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter, [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [aHigh, aLow] = product(0xd2511f53, c0), [bHigh, bLow] = product(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(bHigh ^ c1 ^ k0) >>> 0, bLow, (aHigh ^ c3 ^ k1) >>> 0, aLow];
    [k0, k1] = [(k0 + 0x9e3779b9) >>> 0, (k1 + 0xbb67ae85) >>> 0];
  }
  return [c0, c1, c2, c3];
}

// So many numbers of standard deviation `size` (Box & Muller: two from four words).
export function normalNumbers(seed, size, count) {
  const found = new Float64Array(count + (count % 2)), share = (high, low) => (high * 2097152 + (low >>> 11) + 0.5) * 2 ** -53;
  for (let block = 0; 2 * block < count; block++) {
    const words = philox([block, 0, 0, GRADIENTS], [seed >>> 0, 0]), angle = 2 * Math.PI * share(words[2], words[3]);
    const length = size * Math.sqrt(-2 * Math.log(share(words[0], words[1])));
    found[2 * block] = length * Math.cos(angle);
    found[2 * block + 1] = length * Math.sin(angle);
  }
  return found.subarray(0, count);
}
