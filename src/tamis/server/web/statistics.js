/** Where the time went and what is left, how well two people agree, and the same as CSV. */
import { download, open } from './dialogs.js';
import { element } from './dom.js';
import { get } from './http.js';
import { stateNames, t } from './words.js';

export async function statistics() {
  const told = await get('api/statistics');
  const figures = [
    [told.images, t('images')], [(told.states.done ?? 0) + (told.states.reviewed ?? 0), t('state.done')], [told.masks, t('masks')],
    [told.clicks, t('stats.clicks')], [duration(told.seconds), t('stats.work')],
    [told.seconds_per_mask?.toFixed(1) ?? '–', t('stats.per.mask')],
    [told.seconds_left === null ? '–' : duration(told.seconds_left), t('stats.left')],
    ...(told.seconds_left_assisted === null ? [] : [[duration(told.seconds_left_assisted), t('stats.left.assisted')]]),
  ];
  const round = (/** @type {number | null} */ value) => (value === null ? '–' : value.toFixed(1));
  const tables = [
    table(t('labels'), 'label', [t('label'), t('masks'), t('images'), t('stats.per.mask'), t('stats.clicks.mask')], told.per_label.map((/** @type {any} */ each) => [each.label, each.masks, each.images, round(each.seconds_per_mask), round(each.clicks_per_mask)])),
    table(t('stats.tools'), 'tool', [t('stats.tool'), t('masks'), t('stats.per.mask'), t('stats.clicks.mask')], told.per_tool.map((/** @type {any} */ each) => [each.tool, each.masks, round(each.seconds_per_mask), round(each.clicks_per_mask)])),
    table(t('people'), 'person', [t('name'), t('images'), t('masks'), t('stats.changes'), t('stats.clicks'), t('stats.seconds'), t('stats.per.mask')], told.per_user.map((/** @type {any} */ each) => [each.user, each.images, each.masks, each.events, each.clicks, Math.round(each.seconds), round(each.seconds_per_mask)])),
    ...agreement(told.agreement),
    table(t('images'), 'image', [t('image'), t('state'), t('masks'), t('stats.clicks'), t('stats.seconds')], told.per_image.map((/** @type {any} */ each) => [each.image, stateNames()[/** @type {import('./types.js').ImageState} */ (each.state)], each.masks, each.clicks, Math.round(each.seconds)])),
  ];
  const shownFigures = element('div', { class: 'figures' }, ...figures.map(([value, name]) => element('div', {}, element('b', {}, String(value)), String(name))));
  open(t('statistics'), [shownFigures, ...tables], [
    { text: t('close'), primary: true },
  ]);
}

/** How well a second annotation agrees with the first. @param {any} found null without one */
function agreement(found) {
  if (!found) return [];
  const share = (/** @type {number | null} */ value) => (value === null ? '–' : value.toFixed(3));
  const row = (/** @type {any} */ each) => [each.label, each.first, each.second, each.pairs, share(each.iou), share(each.f1)];
  return [
    element('p', { class: 'quiet' }, t('agreement.how', { images: found.images })),
    table(t('agreement'), '', [t('label'), t('agreement.first'), t('agreement.second'), t('agreement.pairs'), 'IoU', 'F1'], [row({ ...found, label: t('agreement.all') }), ...found.per_label.map(row)]),
  ];
}

/** @param {string} title @param {string} by what its CSV file has a line for; '' for none @param {string[]} names @param {(string | number | undefined)[][]} rows */
function table(title, by, names, rows) {
  if (!rows.length) return element('span');
  const words = [t('state')];
  const cells = (/** @type {string} */ tag, /** @type {(string | number | undefined)[]} */ values) =>
    values.map((value, i) => element(tag, { class: [i && !words.includes(names[i] ?? '') ? 'number' : '', ['IoU', 'F1'].includes(names[i] ?? '') ? 'kept' : ''].join(' ').trim() }, String(value ?? '')));
  return element('div', { class: 'table' }, element('h2', { class: 'later' }, title, ...(by ? [element('button', { onclick: () => download(`api/statistics.csv?by=${by}`) }, t('stats.csv'))] : [])), element('table', {},
    element('thead', {}, element('tr', {}, ...cells('th', names))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...cells('td', row))))));
}

/** @param {number} seconds */
function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : minutes ? `${minutes} min` : `${Math.round(seconds)} s`;
}
