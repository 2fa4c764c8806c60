/** How much of what is around a click its mask may hold: a part, an object, a whole. */

/** @typedef {{granularity: number, threshold: number}} Level */

/** @type {Level} What every mask begins with: granularity 0 is the one that is rated best for the click. */
export const BEST = { granularity: 0, threshold: 0.5 };

/** From the largest answer to the smallest where the segmentor has one granularity: level lines of the probability. */
const THRESHOLDS = [0.2, 0.35, 0.5, 0.65, 0.8];

/** @param {number} granularities of the segmentor @returns {Level[]} the finest first */
export function levelsOf(granularities) {
  if (granularities > 1) return Array.from({ length: granularities }, (_, i) => ({ granularity: i + 1, threshold: 0.5 }));
  return [...THRESHOLDS].reverse().map((threshold) => ({ granularity: 0, threshold }));
}

/** @param {number} granularities @param {number} best the granularity, from 1, that is rated best @returns {number} its place */
export function placeOfBest(granularities, best) {
  return granularities > 1 ? best - 1 : THRESHOLDS.indexOf(BEST.threshold);
}
