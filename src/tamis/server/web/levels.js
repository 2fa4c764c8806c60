/** How much of what is around a click its mask may hold: a part, an object, a whole. */

/** @typedef {{granularity: number, threshold: number}} Level */

/** From the largest answer to the smallest where the segmentor has one granularity: level lines of the probability. */
const THRESHOLDS = [0.2, 0.35, 0.5, 0.65, 0.8];

/** @param {number} granularities of the segmentor @returns {Level[]} the finest first */
export function levelsOf(granularities) {
  if (granularities > 1) return Array.from({ length: granularities }, (_, granularity) => ({ granularity, threshold: 0.5 }));
  return [...THRESHOLDS].reverse().map((threshold) => ({ granularity: 0, threshold }));
}

/** @param {number} granularities @returns {number} which of the levels answers a click at first */
export function firstLevel(granularities) {
  return granularities > 1 ? 0 : THRESHOLDS.indexOf(0.5);
}
