/** Drawing into masks: brush strokes, polygons, lines. Dense masks are column after column. */
import { fromDense } from './rle.js';

/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {{x: number, y: number}} Point */

/**
 * Set all pixels whose centre is within `radius` of the line between two points.
 * @param {Uint8Array} dense changed in place
 * @param {number} height
 * @param {number} width
 * @param {Point} from
 * @param {Point} to
 * @param {number} radius in pixels of the image
 * @param {0|1} value
 */
export function stroke(dense, height, width, from, to, radius, value) {
  const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
  const right = Math.min(width - 1, Math.ceil(Math.max(from.x, to.x) + radius));
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(from.y, to.y) + radius));
  const dx = to.x - from.x, dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  for (let x = left; x <= right; x++) {
    for (let y = top; y <= bottom; y++) {
      const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) dense[x * height + y] = value;
    }
  }
}

/**
 * The pixels whose centre lies inside a polygon, by the even-odd rule.
 * @param {Point[]} points
 * @param {number} height
 * @param {number} width
 * @returns {Mask}
 */
export function polygon(points, height, width) {
  const dense = new Uint8Array(height * width);
  const xs = points.map((point) => point.x);
  const left = Math.max(0, Math.floor(Math.min(...xs))), right = Math.min(width - 1, Math.ceil(Math.max(...xs)));
  for (let x = left; x <= right; x++) {
    const crossings = [];
    for (let i = 0; i < points.length; i++) {
      const a = /** @type {Point} */ (points[i]), b = /** @type {Point} */ (points[(i + 1) % points.length]);
      if (a.x <= x + 0.5 !== b.x <= x + 0.5) crossings.push(a.y + ((x + 0.5 - a.x) / (b.x - a.x)) * (b.y - a.y));
    }
    crossings.sort((p, q) => p - q);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const start = Math.max(0, Math.ceil((crossings[i] ?? 0) - 0.5));
      const end = Math.min(height, Math.ceil((crossings[i + 1] ?? 0) - 0.5));
      if (end > start) dense.fill(1, x * height + start, x * height + end);
    }
  }
  return fromDense(dense, height, width, left, right + 1);
}

/**
 * Of a line of points those that are needed so that all lie within `tolerance` of it (Douglas and Peucker, 1973).
 * @param {Point[]} points
 * @param {number} tolerance
 * @returns {Point[]}
 */
export function simplified(points, tolerance) {
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open = [[0, points.length - 1]];
  for (let span = open.pop(); span; span = open.pop()) {
    const [first = 0, last = 0] = span;
    const a = points[first], b = points[last];
    if (!a || !b) continue;
    const dx = b.x - a.x, dy = b.y - a.y, length = Math.hypot(dx, dy);
    let farthest = tolerance, place = -1;
    for (let i = first + 1; i < last; i++) {
      const p = /** @type {Point} */ (points[i]);
      const away = length ? Math.abs((p.x - a.x) * dy - (p.y - a.y) * dx) / length : Math.hypot(p.x - a.x, p.y - a.y);
      if (away > farthest) [farthest, place] = [away, i];
    }
    if (place < 0) continue;
    keep[place] = 1;
    open.push([first, place], [place, last]);
  }
  return points.filter((_, i) => keep[i]);
}
