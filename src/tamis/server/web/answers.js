/**
 * The table of all answers of an image: which region each pixel is in, and the answer of each region to a click in each.
 * Everything is whole numbers or double precision, as in `tamis.regions.clicks`: the same clicks give the same
 * mask here and there, pixel for pixel.
 */
import { fromDense } from './rle.js';

/** @typedef {import('./types.js').Click} Click */
/** @typedef {import('./rle.js').Mask} Mask */
/** @typedef {import('./rle.js').Box} Box */

const CERTAIN = 255;
const SURE = Math.fround(0.95);
/** How much better another granularity must be rated than the middle one to answer. */
const MARGIN = 100;
/** Clicks never disagree more than this probability says. */
const DOUBT = 13;

export class AnswerTable {
  /**
   * @param {number} height
   * @param {number} width
   * @param {number} regions
   * @param {number} granularities
   * @param {Uint16Array} regionOf column after column
   * @param {Uint8Array} ratings granularity after granularity: how good the answer to a click in each region probably is
   * @param {Uint8Array} answers granularity after granularity, the finest first, row after row
   * @param {boolean} [corrects] whether the server corrects a mask better than this table
   */
  constructor(height, width, regions, granularities, regionOf, ratings, answers, corrects = false) {
    this.height = height;
    this.width = width;
    this.regions = regions;
    this.granularities = granularities;
    this.regionOf = regionOf;
    this.answers = answers;
    this.corrects = corrects;
    const middle = regions * (granularities >> 1);
    this.preferred = Int16Array.from(ratings, (rating, i) => rating + (i >= middle && i < middle + regions ? MARGIN : 0));
  }

  /** @param {number} x @param {number} y */
  regionAt(x, y) {
    return this.regionOf[Math.floor(x) * this.height + Math.floor(y)] ?? 0;
  }

  /** The granularity, from 1, that is rated best for a click. @param {number} x @param {number} y */
  bestAt(x, y) {
    return this.#agreed(this.regionAt(x, y), []);
  }

  /** The granularities, from 1, in the order of how large their masks of a click are. @param {number} x @param {number} y */
  orderAt(x, y) {
    const row = this.regionAt(x, y), { areas } = this.extents;
    const sizes = Array.from({ length: this.granularities }, (_, i) => {
      let size = 0;
      for (let region = 0, place = this.#start(row, i + 1); region < this.regions; region++, place++) {
        if ((this.answers[place] ?? 0) > CERTAIN / 2) size += areas[region] ?? 0;
      }
      return { granularity: i + 1, size };
    });
    return sizes.sort((a, b) => a.size - b.size || a.granularity - b.granularity).map((each) => each.granularity);
  }

  /**
   * For every region whether it is in the mask of the clicks: 0 no, 1 yes, 2 it is split between clicks of both kinds.
   * @param {Click[]} clicks
   * @param {number} [threshold]
   * @param {number} [granularity] 0: of each click that which agrees best with the others
   */
  inside(clicks, threshold = 0.5, granularity = 0) {
    const rows = clicks.map((click) => this.regionAt(click.x, click.y));
    const positive = rows.filter((_, i) => clicks[i]?.positive), negative = rows.filter((_, i) => !clicks[i]?.positive);
    const wanted = this.#largest(positive.map((row) => this.#start(row, granularity || this.#agreed(row, negative))));
    const refused = this.#largest(negative.map((row) => this.#start(row, granularity || this.#agreed(row, positive))));
    const level = Math.fround(threshold);
    const result = new Uint8Array(this.regions);
    for (let region = 0; region < this.regions; region++) {
      const a = wanted[region] ?? 0;
      let probability = a / CERTAIN;
      if (negative.length) {
        const b = Math.max(refused[region] ?? 0, CERTAIN / 2);
        const both = a * (CERTAIN - b), neither = (CERTAIN - a) * b;
        probability = both + neither > 0 ? both / (both + neither) : 0.5;
      }
      result[region] = Math.fround(probability) > level ? 1 : 0;
    }
    for (const row of negative) result[row] = 0;
    rows.forEach((row, i) => {
      if (clicks[i]?.positive) result[row] = negative.includes(row) ? 2 : SURE > level || result[row] ? 1 : 0;
    });
    return result;
  }

  /**
   * The mask of the clicks, every click's own pixel kept.
   * @param {Click[]} clicks
   * @param {number} [threshold]
   * @param {number} [granularity] 0: of each click that which agrees best with the others
   * @returns {Mask}
   */
  mask(clicks, threshold = 0.5, granularity = 0) {
    const inside = this.inside(clicks, threshold, granularity);
    const dense = new Uint8Array(this.regionOf.length);
    for (let i = 0; i < dense.length; i++) dense[i] = inside[this.regionOf[i] ?? 0] ?? 0;
    for (const region of new Set(clicks.map((click) => this.regionAt(click.x, click.y)))) {
      if (inside[region] === 2) this.#split(dense, region, clicks);
    }
    for (const { x, y, positive } of clicks) dense[Math.floor(x) * this.height + Math.floor(y)] = positive ? 1 : 0;
    return fromDense(dense, this.height, this.width);
  }

  /**
   * The mask of `clickForBox`, and nothing outside the box.
   * @param {Box} box within the image
   * @param {number} [threshold]
   * @returns {{mask: Mask, click: Click, granularity: number}}
   */
  maskInBox(box, threshold = 0.5) {
    const { click, granularity } = this.clickForBox(box);
    const inside = this.inside([click], threshold, granularity);
    const clicked = Math.floor(click.x) * this.height + Math.floor(click.y);
    const dense = new Uint8Array(this.regionOf.length);
    for (let x = Math.floor(box.left); x < Math.ceil(box.right); x++) {
      for (let y = Math.floor(box.top); y < Math.ceil(box.bottom); y++) {
        const i = x * this.height + y;
        dense[i] = i === clicked ? 1 : (inside[this.regionOf[i] ?? 0] ?? 0);
      }
    }
    return { mask: fromDense(dense, this.height, this.width), click, granularity };
  }

  /**
   * The click and the granularity whose mask fills a box best: of all regions in the middle of the box, the one whose
   * mask has the box most like it; of those that are alike in that, a better rated one.
   * @param {Box} box
   * @returns {{click: Click, granularity: number}}
   */
  clickForBox(box) {
    const { boxes, areas } = this.extents;
    const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
    let best = this.regionAt(middle.x, middle.y), finest = 1, score = -1;
    boxes.forEach((own, row) => {
      if (!areas[row]) return; // lost when its borders were refined
      const x = (own.left + own.right) / 2, y = (own.top + own.bottom) / 2;
      if (Math.abs(x - middle.x) * 3 > box.right - box.left || Math.abs(y - middle.y) * 3 > box.bottom - box.top) return;
      for (let granularity = 1; granularity <= this.granularities; granularity++) {
        const rated = CERTAIN + (this.preferred[(granularity - 1) * this.regions + row] ?? 0);
        const fit = overlap(this.#around(row, granularity), box) * rated;
        if (fit > score) [best, finest, score] = [row, granularity, fit];
      }
    });
    return { click: this.#pixelOf(best, middle), granularity: finest };
  }

  /** The box around the mask of a click in a region. @param {number} row @param {number} granularity @returns {Box} */
  #around(row, granularity) {
    const { boxes, areas } = this.extents;
    const around = { .../** @type {Box} */ (boxes[row]) };
    let place = this.#start(row, granularity);
    for (let region = 0; region < this.regions; region++, place++) {
      if ((this.answers[place] ?? 0) <= CERTAIN / 2) continue;
      const other = boxes[region];
      if (!other || !areas[region]) continue;
      around.left = Math.min(around.left, other.left);
      around.top = Math.min(around.top, other.top);
      around.right = Math.max(around.right, other.right);
      around.bottom = Math.max(around.bottom, other.bottom);
    }
    return around;
  }

  /** Where the answers to a click in a region begin. @param {number} row @param {number} granularity from 1 */
  #start(row, granularity) {
    return ((granularity - 1) * this.regions + row) * this.regions;
  }

  /**
   * The granularity, from 1, at which a click agrees best with clicks of the other sign; the finer of equals.
   * @param {number} row
   * @param {number[]} others
   */
  #agreed(row, others) {
    let best = 1, most = -1;
    for (let granularity = 1; granularity <= this.granularities; granularity++) {
      const start = this.#start(row, granularity);
      let score = this.preferred[(granularity - 1) * this.regions + row] ?? 0;
      for (const other of others) score *= Math.max(CERTAIN - (this.answers[start + other] ?? 0), DOUBT) / CERTAIN;
      if (score > most) [best, most] = [granularity, score];
    }
    return best;
  }

  /** The pixel of a region nearest to a point. @param {number} region @param {{x: number, y: number}} point @returns {Click} */
  #pixelOf(region, point) {
    const click = { x: 0, y: 0, positive: true };
    const box = /** @type {Box} */ (this.extents.boxes[region]);
    let nearest = Infinity;
    for (let x = box.left; x < box.right; x++) {
      for (let y = box.top; y < box.bottom; y++) {
        const across = x + 0.5 - point.x, down = y + 0.5 - point.y;
        const distance = across * across + down * down;
        if (distance < nearest && this.regionOf[x * this.height + y] === region) {
          nearest = distance;
          click.x = x + 0.5;
          click.y = y + 0.5;
        }
      }
    }
    return click;
  }

  /** The box around each region, and its area. */
  get extents() {
    this.#extents ??= this.#measure();
    return this.#extents;
  }

  /** @type {{boxes: Box[], areas: Float64Array} | undefined} */
  #extents;

  /**
   * The largest of some answers, for every region; one half where there are none.
   * @param {number[]} starts where they begin
   */
  #largest(starts) {
    const result = new Float64Array(this.regions).fill(starts.length ? 0 : CERTAIN / 2);
    for (const start of starts) {
      for (let i = 0; i < this.regions; i++) result[i] = Math.max(result[i] ?? 0, this.answers[start + i] ?? 0);
    }
    return result;
  }

  /**
   * Every pixel of a region goes with the nearest click in it; of equally near ones with the later.
   * @param {Uint8Array} dense changed in place
   * @param {number} region
   * @param {Click[]} clicks
   */
  #split(dense, region, clicks) {
    const within = clicks.filter((click) => this.regionAt(click.x, click.y) === region);
    for (let i = 0; i < dense.length; i++) {
      if (this.regionOf[i] !== region) continue;
      const column = Math.floor(i / this.height), row = i % this.height;
      let nearest = Infinity;
      for (const { x, y, positive } of within) {
        const distance = (row - Math.floor(y)) ** 2 + (column - Math.floor(x)) ** 2;
        if (distance <= nearest) {
          nearest = distance;
          dense[i] = positive ? 1 : 0;
        }
      }
    }
  }

  #measure() {
    const areas = new Float64Array(this.regions);
    const boxes = Array.from({ length: this.regions }, () => ({
      left: this.width, top: this.height, right: 0, bottom: 0,
    }));
    for (let x = 0, i = 0; x < this.width; x++) {
      for (let y = 0; y < this.height; y++, i++) {
        const region = this.regionOf[i] ?? 0;
        const box = /** @type {Box} */ (boxes[region]);
        areas[region] = (areas[region] ?? 0) + 1;
        if (x < box.left) box.left = x;
        if (x >= box.right) box.right = x + 1;
        if (y < box.top) box.top = y;
        if (y >= box.bottom) box.bottom = y + 1;
      }
    }
    return { boxes, areas };
  }
}

/** Intersection over union. @param {Box} a @param {Box} b */
function overlap(a, b) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const both = Math.max(0, width) * Math.max(0, height);
  const size = (/** @type {Box} */ box) => (box.right - box.left) * (box.bottom - box.top);
  return both / (size(a) + size(b) - both);
}

/**
 * Read a table as `tamis.regions.table` writes it.
 * @param {ArrayBuffer} buffer
 * @returns {Promise<AnswerTable>}
 */
export async function readTable(buffer) {
  const bytes = new Uint8Array(buffer);
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== 'TAM2') throw new Error('this is no table of answers');
  const length = new DataView(buffer).getUint32(4, true);
  const { height, width, regions, granularities, runs, corrects } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  const stream = new Blob([bytes.subarray(8 + length)]).stream().pipeThrough(new DecompressionStream('deflate'));
  const payload = await new Response(stream).arrayBuffer();
  const labels = new Uint16Array(payload, 0, runs), lengths = new Uint16Array(payload, 2 * runs, runs);
  const ratings = new Uint8Array(payload, 4 * runs, granularities * regions);
  const answers = new Uint8Array(payload, 4 * runs + granularities * regions);
  const regionOf = turned(labels, lengths, height, width);
  return new AnswerTable(height, width, regions, granularities, regionOf, ratings, answers, corrects);
}

/**
 * Runs along rows to pixels down columns.
 * @param {Uint16Array} labels
 * @param {Uint16Array} lengths
 * @param {number} height
 * @param {number} width
 */
function turned(labels, lengths, height, width) {
  const rows = new Uint16Array(height * width);
  let place = 0;
  for (let run = 0; run < labels.length; run++) {
    const end = place + (lengths[run] ?? 0);
    rows.fill(labels[run] ?? 0, place, end);
    place = end;
  }
  const columns = new Uint16Array(rows.length);
  const tile = 64; // a tile of both fits the cache
  for (let left = 0; left < width; left += tile) {
    for (let top = 0; top < height; top += tile) {
      const right = Math.min(left + tile, width), bottom = Math.min(top + tile, height);
      for (let x = left; x < right; x++) {
        for (let y = top; y < bottom; y++) columns[x * height + y] = rows[y * width + x] ?? 0;
      }
    }
  }
  return columns;
}
