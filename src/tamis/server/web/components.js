/**
 * Connected parts of masks, their holes and specks, and smoother outlines. All but smoothing work on run lengths, so that
 * they cost as much as the outline is long, whatever the size of the image.
 */
import { area, bounds, combine, forRuns, fromDense, fromRuns, union } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */

/** @typedef {{mask: Mask, pixels: number, edge: boolean}} Part `edge`: it reaches the edge of the image */

/**
 * The 4-connected parts of a mask, the largest first.
 * @param {Mask} mask
 * @returns {Part[]}
 */
export function separate(mask) {
  const { height, width } = mask;
  const { starts, ends, columns } = columnRuns(mask);
  const parents = Int32Array.from(starts, (_, i) => i);
  const root = (/** @type {number} */ i) => {
    while (parents[i] !== i) i = parents[i] = at(parents, at(parents, i));
    return i;
  };
  for (let x = 1; x < width; x++) {
    let left = at(columns, x - 1), right = at(columns, x);
    const leftEnd = right, rightEnd = at(columns, x + 1);
    while (left < leftEnd && right < rightEnd) {
      const a = at(starts, left) + height, b = at(ends, left) + height; // one column further
      if (a < at(ends, right) && at(starts, right) < b) parents[root(right)] = root(left);
      if (b < at(ends, right)) left++;
      else right++;
    }
  }
  /** @type {Map<number, {runs: number[], pixels: number, edge: boolean}>} */
  const found = new Map();
  for (let i = 0; i < starts.length; i++) {
    const key = root(i), start = at(starts, i), end = at(ends, i);
    let part = found.get(key);
    if (!part) found.set(key, (part = { runs: [], pixels: 0, edge: false }));
    part.runs.push(start, end);
    part.pixels += end - start;
    part.edge ||= start % height === 0 || end % height === 0 || start < height || start >= height * (width - 1);
  }
  return [...found.values()]
    .sort((a, b) => b.pixels - a.pixels)
    .map(({ runs, pixels, edge }) => ({ mask: fromRuns(runs, height, width), pixels, edge }));
}

/** What a mask surrounds. @param {Mask} mask @returns {Part[]} */
export const holes = (mask) => separate(inverse(mask)).filter((part) => !part.edge);

/**
 * The mask with everything in it that it surrounds.
 * @param {Mask} mask
 * @param {number} [below] only holes of fewer pixels
 * @returns {Mask}
 */
export function withoutHoles(mask, below = Infinity) {
  return holes(mask).filter((part) => part.pixels < below).map((part) => part.mask).reduce(union, mask);
}

/**
 * The largest part of a mask, and all others that are at least a tenth of it.
 * @param {Mask} mask
 * @returns {Mask}
 */
export function withoutIslands(mask) {
  const found = separate(mask);
  return withoutSpecks(mask, (found[0]?.pixels ?? 0) / 10);
}

/**
 * The mask without its parts of fewer pixels; the largest stays.
 * @param {Mask} mask
 * @param {number} below
 * @returns {Mask}
 */
export function withoutSpecks(mask, below) {
  const [largest, ...others] = separate(mask);
  if (!largest) return mask;
  return others.filter((part) => part.pixels >= below).map((part) => part.mask).reduce(union, largest.mask);
}

/** @typedef {{smooth: number, specks: number, holes: number}} Cleaning a radius in pixels, and two areas; 0: not at all */

/**
 * A mask without what nobody meant to draw: spikes thinner than the radius, small parts, small holes.
 * @param {Mask} mask
 * @param {Cleaning} how
 * @returns {Mask} the mask itself if nothing would be left
 */
export function cleaned(mask, how) {
  let made = mask;
  if (how.smooth > 0) made = smoothed(made, how.smooth);
  if (how.specks > 0) made = withoutSpecks(made, how.specks);
  if (how.holes > 0) made = withoutHoles(made, how.holes);
  return area(made) ? made : mask;
}

/**
 * A pixel is inside if most of those around it are (a mean over a square of twice the radius, twice, so that it is nearly
 * round).
 * @param {Mask} mask
 * @param {number} radius in whole pixels
 * @returns {Mask}
 */
export function smoothed(mask, radius) {
  const box = bounds(mask);
  if (!box) return mask;
  const { height, width } = mask, pad = 2 * radius + 1;
  const left = box.left - pad, top = box.top - pad;
  const h = box.bottom - box.top + 2 * pad, w = box.right - box.left + 2 * pad;
  /** @type {Uint16Array<ArrayBufferLike>} */
  let values = new Uint16Array(h * w);
  forRuns(mask, (start, end) => {
    for (let place = start; place < end;) {
      const x = Math.floor(place / height), stop = Math.min(end, (x + 1) * height);
      const first = (x - left) * h + (place - x * height) - top;
      values.fill(255, first, first + stop - place);
      place = stop;
    }
  });
  continued(values, left, top, w, h, mask);
  for (let pass = 0; pass < 2; pass++) {
    values = blurred(values, w, h, h, 1, radius);
    values = blurred(values, h, w, 1, h, radius);
  }
  const dense = new Uint8Array(height * width);
  for (let x = Math.max(0, left); x < Math.min(width, left + w); x++) {
    for (let y = Math.max(0, top); y < Math.min(height, top + h); y++) {
      if (at(values, (x - left) * h + y - top) > 127) dense[x * height + y] = 1;
    }
  }
  return fromDense(dense, height, width, Math.max(0, left), Math.min(width, left + w));
}

/**
 * The edge of the image is no edge of the mask: what lies beyond it continues what is there.
 * @param {Uint16Array} values of a box, changed in place
 * @param {number} left
 * @param {number} top
 * @param {number} w
 * @param {number} h
 * @param {Mask} mask
 */
function continued(values, left, top, w, h, mask) {
  const first = Math.max(0, -left), last = Math.min(w, mask.width - left) - 1;
  const upper = Math.max(0, -top), lower = Math.min(h, mask.height - top) - 1;
  for (let x = 0; x < w; x++) {
    const from = Math.min(last, Math.max(first, x)) * h;
    if (from !== x * h) values.copyWithin(x * h, from, from + h);
    if (upper > 0) values.fill(at(values, x * h + upper), x * h, x * h + upper);
    if (lower < h - 1) values.fill(at(values, x * h + lower), x * h + lower + 1, (x + 1) * h);
  }
}

/**
 * Means over 2r + 1 values along lines.
 * @param {Uint16Array} values
 * @param {number} lines how many
 * @param {number} length of each
 * @param {number} between from a line to the next
 * @param {number} step from a value to the next
 * @param {number} radius
 */
function blurred(values, lines, length, between, step, radius) {
  const made = new Uint16Array(values.length), window = 2 * radius + 1;
  for (let line = 0; line < lines; line++) {
    const base = line * between;
    let sum = 0;
    for (let i = 0; i < Math.min(radius, length); i++) sum += at(values, base + i * step);
    for (let i = 0; i < length; i++) {
      if (i + radius < length) sum += at(values, base + (i + radius) * step);
      if (i - radius - 1 >= 0) sum -= at(values, base + (i - radius - 1) * step);
      made[base + i * step] = sum / window;
    }
  }
  return made;
}

/** What is not in a mask. @param {Mask} mask @returns {Mask} */
function inverse(mask) {
  const all = { height: mask.height, width: mask.width, counts: Uint32Array.of(0, mask.height * mask.width) };
  return combine(all, mask, (p, q) => p && !q);
}

/** The runs of a mask, cut at the ends of columns, and where those of each column begin. @param {Mask} mask */
function columnRuns(mask) {
  const { height, width } = mask;
  /** @type {number[]} */
  const starts = [];
  /** @type {number[]} */
  const ends = [];
  const columns = new Int32Array(width + 2).fill(-1);
  forRuns(mask, (start, end) => {
    while (start < end) {
      const x = Math.floor(start / height), stop = Math.min(end, (x + 1) * height);
      if (columns[x] === -1) columns[x] = starts.length;
      starts.push(start);
      ends.push(stop);
      start = stop;
    }
  });
  for (let x = width + 1, next = starts.length; x >= 0; x--) {
    if (columns[x] === -1) columns[x] = next;
    else next = at(columns, x);
  }
  return { starts: Int32Array.from(starts), ends: Int32Array.from(ends), columns };
}

/** @param {Int32Array | Uint16Array} array @param {number} index */
const at = (array, index) => array[index] ?? 0;
