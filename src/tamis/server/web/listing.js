/** The list of images: what is shown of each, which are shown, in which order, and which comes next. */
import { any, element, input, select } from './dom.js';
import { stateNames, t } from './words.js';

/** @typedef {import('./types.js').ImageRow} ImageRow */
/** @typedef {import('./types.js').Label} Label */
/** @typedef {import('./types.js').Rated} Rated */

/** Masks of fewer pixels are small, as in COCO; of more than the second large. */
const SMALL = 32 * 32, LARGE = 96 * 96;

/** Rows are made once and changed in place, so that a folder of thousands stays quick. */
export class ImageList {
  /** @type {Map<number, {row: HTMLElement, shown: string}>} */
  #rows = new Map();
  /** @type {Map<number, ImageRow>} */
  images = new Map();
  /** @type {number | null} */
  current = null;
  /** @type {Map<number, number>} how many events of each image wait in this browser */
  waiting = new Map();
  user = '';
  /** What the assistant thinks of images that wait, for the label at hand. @type {Map<number, Rated>} */
  ratings = new Map();

  /**
   * @param {HTMLElement} list
   * @param {(id: number) => void} open
   */
  constructor(list, open) {
    this.list = list;
    this.open = open;
  }

  /** All images in the order of their names. */
  get all() {
    return [...this.images.values()].sort((a, b) => order.compare(a.name, b.name));
  }

  /** Images as they are filtered and sorted; the one that is open keeps its place until one moves on. */
  get visible() {
    const words = input('search').value.toLowerCase(), chosen = select('filter').value;
    const jump = /^#?\d+$/.test(words); // a number goes there, and hides nothing
    const shown = this.all.filter((image) => image.id === this.current || (matches(image, chosen, this.user) && (jump || image.name.toLowerCase().includes(words))));
    const by = ORDERS[select('sort').value];
    return by ? shown.sort((a, b) => by(a, b, this.ratings) || order.compare(a.name, b.name)) : shown;
  }

  render() {
    const rows = this.visible.map((image) => this.#row(image));
    const now = [...this.list.children];
    if (rows.length !== now.length || rows.some((row, i) => row !== now[i])) this.list.replaceChildren(...rows);
    any('no-images').hidden = rows.length > 0 || !this.images.size;
  }

  /** The image so many places further in the list. @param {1|-1} step @returns {ImageRow | undefined} */
  beside(step) {
    const visible = this.visible;
    const place = visible.findIndex((image) => image.id === this.current);
    return place < 0 ? visible[0] : visible[place + step];
  }

  /** The next image of the list that nobody else is at work on; simply the next where all are taken. */
  get onward() {
    const visible = this.visible, place = visible.findIndex((image) => image.id === this.current);
    return visible.slice(place + 1).find((image) => !image.editor || image.editor === this.user) ?? this.beside(1);
  }

  /** @param {ImageRow} image */
  #row(image) {
    const current = image.id === this.current, waiting = this.waiting.get(image.id) ?? 0;
    const shown = JSON.stringify([image, current, waiting]);
    const kept = this.#rows.get(image.id);
    if (kept?.shown === shown) return kept.row;
    const problem = image.problem ?? (image.missing ? t('image.missing') : image.changed ? t('image.changed') : waiting ? t('image.waiting', { count: waiting }) : '');
    const told = problem || [
      stateNames()[image.state],
      image.masks ? t(image.masks === 1 ? 'count.mask' : 'count.masks', { count: image.masks }) : '',
      image.comments ? t('count.comments', { count: image.comments }) : '',
      image.editor && !current ? t('image.with', { name: image.editor }) : '',
      image.assigned ? `→ ${image.assigned}` : '',
    ].filter(Boolean).join(' · ');
    const row = kept?.row ?? element('li', { role: 'option', onclick: () => this.open(image.id) });
    row.setAttribute('aria-selected', String(current));
    row.title = [image.name, image.reason].filter(Boolean).join(': ');
    // The picture stays the same element: it would flicker.
    const picture = row.querySelector('img') ?? element('img', { src: `api/images/${image.id}/thumbnail`, loading: 'lazy', alt: '' });
    row.replaceChildren(
      picture,
      element('div', { class: 'text' },
        element('div', { class: 'name' }, element('bdi', {}, image.name)),
        element('div', { class: problem ? 'sub problem' : 'sub' }, told)),
      element('span', { class: `dot ${image.encoded}`, title: t(/** @type {'encoded.waiting'} */ (`encoded.${image.encoded}`)) }),
    );
    this.#rows.set(image.id, { row, shown });
    return row;
  }

  showCurrent() {
    if (this.current !== null) this.#rows.get(this.current)?.row.scrollIntoView({ block: 'nearest' });
  }
}

const order = new Intl.Collator(undefined, { numeric: true });

const STATES = ['progress', 'todo', 'rejected', 'done', 'reviewed', 'skipped'];

/** How images are sorted besides by name. @type {Record<string, (a: ImageRow, b: ImageRow, ratings: Map<number, Rated>) => number>} */
const ORDERS = {
  state: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state),
  time: (a, b) => (b.at ?? 0) - (a.at ?? 0),
  surest: (a, b, ratings) => rated(b, ratings, 'confidence') - rated(a, ratings, 'confidence'),
  doubtful: (a, b, ratings) => rated(b, ratings, 'confidence', -1) - rated(a, ratings, 'confidence', -1),
  unlike: (a, b, ratings) => rated(b, ratings, 'distance') - rated(a, ratings, 'distance'),
  contradicting: (a, b, ratings) => rated(b, ratings, 'agreement', -1) - rated(a, ratings, 'agreement', -1),
};

/** Orders that only the assistant can give. */
export const ASSISTED = ['surest', 'doubtful', 'unlike', 'contradicting'];

/** What an image is sorted by: those that the assistant says nothing of come last. @param {ImageRow} image @param {Map<number, Rated>} ratings @param {'confidence'|'distance'|'agreement'} by @param {1|-1} [sign] */
function rated(image, ratings, by, sign = 1) {
  const value = ratings.get(image.id)?.[by];
  return value === undefined ? -1e9 : sign * value;
}

/**
 * @param {ImageRow} image
 * @param {string} chosen such as `state:done`; '' for all
 * @param {string} user
 */
function matches(image, chosen, user) {
  const [what = '', value = ''] = split(chosen);
  switch (what) {
    case 'state': return image.state === value;
    case 'label': return image.labels.includes(value);
    case 'tag': return image.tags.includes(value);
    case 'person': return image.assigned === value;
    case 'mine': return image.assigned === user;
    case 'masks': return image.masks > 0;
    case 'empty': return image.masks === 0;
    case 'note': return image.note;
    case 'comments': return image.comments > 0;
    case 'small': return image.smallest !== null && image.smallest < SMALL;
    case 'large': return image.largest !== null && image.largest > LARGE;
    default: return true;
  }
}

/** @param {string} text @returns {string[]} what stands before the first colon, and after it */
function split(text) {
  const colon = text.indexOf(':');
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
}

/**
 * What the list can be filtered by.
 * @param {Label[]} labels
 * @param {string[]} tags
 * @param {string[]} people
 */
export function renderFilters(labels, tags, people) {
  const chosen = select('filter').value;
  const option = (/** @type {string} */ value, /** @type {string} */ text) => element('option', { value, selected: value === chosen }, text);
  const group = (/** @type {string} */ label, /** @type {HTMLElement[]} */ entries) => (entries.length ? [element('optgroup', { label }, ...entries)] : []);
  select('filter').replaceChildren(
    option('', t('filter.all')),
    ...group(t('state'), Object.entries(stateNames()).map(([state, name]) => option(`state:${state}`, name))),
    ...group(t('labels'), labels.map((label) => option(`label:${label.id}`, label.name))),
    ...group(t('tags'), tags.map((tag) => option(`tag:${tag}`, tag))),
    ...group(t('people'), [...(people.length ? [option('mine', t('filter.mine'))] : []), ...people.map((name) => option(`person:${name}`, name))]),
    ...group(t('filter.content'), /** @type {const} */ (['masks', 'empty', 'note', 'comments', 'small', 'large']).map((each) => option(each, t(`filter.${each}`)))),
  );
}
