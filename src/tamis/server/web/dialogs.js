/** What opens over the page: shortcuts, statistics, export, and questions that only a person can answer. */
import { get } from './http.js';
import { nameOf, shown } from './keys.js';
import { byId, element, STATES } from './panels.js';

/** @typedef {import('./keys.js').Keys} Keys */

/**
 * @param {string} title
 * @param {(Node | string)[]} body
 * @param {{text: string, act?: () => void, primary?: boolean}[]} [buttons]
 */
export function open(title, body, buttons = [{ text: 'Close' }]) {
  const dialog = byId('dialog', HTMLDialogElement);
  byId('dialog-title', HTMLElement).textContent = title;
  byId('dialog-body', HTMLElement).replaceChildren(...body);
  byId('dialog-buttons', HTMLElement).replaceChildren(...buttons.map((button) => element('button', {
    class: button.primary ? 'primary' : '',
    onclick: () => {
      dialog.close();
      button.act?.();
    },
  }, button.text)));
  if (!dialog.open) dialog.showModal();
}

/** @param {Keys} keys */
export function shortcuts(keys) {
  const told = element('p', { role: 'status' }, 'Click a key to change it. 1 to 9 choose labels; the wheel zooms, with Shift it goes from part to whole; space and drag moves the image.');
  const list = element('div', { class: 'two' });
  const render = () => list.replaceChildren(...keys.shortcuts.map((each) => {
    const button = element('button', { 'aria-label': `Key of: ${each.title}` }, each.keys.map(shown).join('  '));
    button.addEventListener('click', () => {
      button.textContent = 'press a key';
      button.addEventListener('keydown', (event) => {
        if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        told.textContent = keys.change(each.action, nameOf(event)) ?? `${each.title}: ${shown(nameOf(event))}`;
        render();
      }, { signal: until(button) });
    });
    return element('div', { class: 'shortcut' }, element('span', {}, each.title), button);
  }));
  render();
  open('Shortcuts', [told, list], [{ text: 'Reset to defaults', act: () => keys.reset() }, { text: 'Close', primary: true }]);
}

/** A signal for as long as an element has the focus. @param {HTMLElement} held */
function until(held) {
  const end = new AbortController();
  held.addEventListener('blur', () => end.abort(), { once: true });
  return end.signal;
}

export async function statistics() {
  const told = await get('api/statistics');
  const figures = [
    [told.images, 'images'], [(told.states.done ?? 0) + (told.states.reviewed ?? 0), 'done'], [told.masks, 'masks'],
    [told.clicks, 'clicks'], [duration(told.seconds), 'at work'],
    [told.seconds_per_mask?.toFixed(1) ?? '–', 'seconds a mask'],
  ];
  const tables = [
    table('Labels', ['label', 'masks', 'images'], (told.per_label ?? []).map((/** @type {any} */ each) => [each.label, each.masks, each.images])),
    table('People', ['name', 'images', 'changes', 'clicks', 'seconds'], (told.per_user ?? []).map((/** @type {any} */ each) => [each.user, each.images, each.events, each.clicks, Math.round(each.seconds)])),
    table('Images', ['image', 'state', 'masks', 'clicks', 'seconds'], (told.per_image ?? []).map((/** @type {any} */ each) => [each.image, STATES[/** @type {import('./types.js').ImageState} */ (each.state)], each.masks, each.clicks, Math.round(each.seconds)])),
  ];
  const shownFigures = element('div', { class: 'figures' }, ...figures.map(([value, name]) => element('div', {}, element('b', {}, String(value)), String(name))));
  open('Statistics', [shownFigures, ...tables], [
    { text: 'Download CSV', act: () => download('api/statistics.csv') },
    { text: 'Close', primary: true },
  ]);
}

/** @param {string} title @param {string[]} names @param {(string | number | undefined)[][]} rows */
function table(title, names, rows) {
  if (!rows.length) return element('span');
  const cells = (/** @type {string} */ tag, /** @type {(string | number | undefined)[]} */ values) =>
    values.map((value, i) => element(tag, { class: i && names[i] !== 'state' ? 'number' : '' }, String(value ?? '')));
  return element('div', {}, element('h2', {}, title), element('table', {},
    element('thead', {}, element('tr', {}, ...cells('th', names))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...cells('td', row))))));
}

/** @param {number} seconds */
function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : minutes ? `${minutes} min` : `${Math.round(seconds)} s`;
}

/** @param {{name: string, title: string}[]} formats */
export function exporting(formats) {
  const chosen = element('div', {}, ...formats.map((format, i) => element('label', { class: 'row' },
    element('input', { type: 'radio', name: 'format', value: format.name, checked: i === 0 }), format.title)));
  const note = element('p', {}, 'Masks are kept exactly where the format can; otherwise loss.json in the download says how much was lost.');
  const every = element('input', { type: 'checkbox', name: 'every' });
  const others = element('label', { class: 'row' }, every, 'images that are not done, too');
  open('Export', [chosen, others, note], [
    { text: 'Cancel' },
    {
      text: 'Download', primary: true,
      act: () => {
        const format = chosen.querySelector('input:checked');
        const states = every instanceof HTMLInputElement && every.checked ? 'all' : '';
        if (format instanceof HTMLInputElement) void fetchFile(format.value, states);
      },
    },
  ]);
}

/**
 * An empty export is a sentence, not a file.
 * @param {string} format
 * @param {string} states of the images, '' for those that are done
 */
async function fetchFile(format, states) {
  const response = await fetch(`api/export?format=${encodeURIComponent(format)}&states=${states}`);
  if (!response.ok) {
    const told = await response.json().catch(() => null);
    open('Nothing was exported', [told?.error ?? `the server answered ${response.status}`]);
    return;
  }
  const url = URL.createObjectURL(await response.blob());
  download(url, `masks-${format}.zip`);
  const leftOut = response.headers.get('x-tamis-left-out');
  if (leftOut) open('Exported', [`The file does not hold everything: ${leftOut.split(';')[0]}.`]);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** @param {string} url @param {string} [name] */
function download(url, name = '') {
  const link = /** @type {HTMLAnchorElement} */ (element('a', { href: url, download: name }));
  link.click();
}
