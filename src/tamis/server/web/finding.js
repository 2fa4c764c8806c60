/** Find this in the other images: the object of a mask, looked for in all images without masks, the surest first. */
import { open } from './dialogs.js';
import { byId, element } from './dom.js';
import { get } from './http.js';
import { Grid, PAGE, free } from './review.js';
import { t } from './words.js';

/** @typedef {import('./types.js').Label} Label */
/** @typedef {import('./types.js').Rle} Rle */
/** @typedef {{id: number, name: string, confidence: number, rle: Rle}} Found */

/** The presence above which an object is probably there. */
const SURE = 0.5;

/**
 * Look for the active mask's object in one image after the other, until all are looked at or somebody has seen enough.
 * @param {Parameters<typeof free>[0]} app
 */
export async function find(app) {
  const { editor, list, label } = app, own = editor.activeInstance, source = editor.session?.image;
  if (!own || !label || source === undefined) return app.say(t('find.first'));
  if (app.outbox.counts.has(source)) return app.say(t('find.unsaved'));
  const images = [...list.visible].filter((image) => image.id !== source && ['todo', 'progress'].includes(image.state) && free(app, image));
  if (!images.length) return app.say(t('find.nowhere'));
  /** @type {Found[]} */
  const found = [];
  const told = element('p', { role: 'status' }), bar = /** @type {HTMLProgressElement} */ (element('progress', { max: images.length, value: 0, 'aria-label': t('find') }));
  let enough = false;
  open(t('find.title', { label: label.name }), [told, bar], [
    { text: t('find.enough'), primary: true, act: () => (enough = true) }, { text: t('close') },
  ]);
  const dialog = byId('dialog', HTMLDialogElement);
  for (const [number, image] of images.entries()) {
    told.textContent = t('find.looking', { number, count: images.length, found: found.filter((each) => each.confidence > SURE).length });
    bar.value = number;
    const { presence, rle } = await get(`api/images/${image.id}/found?source=${source}&mask=${encodeURIComponent(own.id)}`);
    if (rle) found.push({ id: image.id, name: image.name, confidence: presence, rle });
    if (enough || !dialog.open || !told.isConnected) break;
  }
  if (!enough && (!dialog.open || !told.isConnected)) return; // closed, or something else is shown
  found.sort((a, b) => b.confidence - a.confidence);
  show({ ...app, label }, found);
}

/** The surest, side by side; then the next. @param {Parameters<typeof free>[0] & {label: Label}} app @param {Found[]} found */
function show(app, found) {
  const title = t('find.title', { label: app.label.name }), first = found.slice(0, PAGE), rest = found.slice(PAGE);
  if (!first.length) return open(title, [element('p', {}, t('find.nothing'))]);
  const known = new Map(first.map((each) => [each.id, { rle: each.rle, parts: [], confidence: each.confidence }]));
  const grid = new Grid(app, title, first, async (id) => known.get(id) ?? null);
  for (const tile of grid.tiles) tile.place.classList.toggle('doubtful', tile.confidence <= SURE);
  const more = rest.length ? [{ text: t('review.next'), act: () => show(app, rest) }] : [];
  open(title, [element('p', { class: 'quiet' }, t('find.how')), grid.done, grid.place, grid.buttons], [...more, { text: t('close'), primary: true }]);
  grid.start();
}
