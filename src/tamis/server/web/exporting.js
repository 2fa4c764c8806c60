/** Exports: the format, which images, how exactly outlines follow, a split for training, the pictures themselves. */
import { download, open } from './dialogs.js';
import { element, options } from './dom.js';
import { stateNames, t } from './words.js';

/** Formats that a trainer reads as a folder with the pictures in it. */
const OF_TRAINERS = ['yolo', 'voc'];
const OF_POLYGONS = ['coco-polygons', 'yolo', 'cvat-polygons'];

/** @param {{name: string, title: string}[]} formats */
export function exporting(formats) {
  const format = /** @type {HTMLSelectElement} */ (element('select', { 'aria-label': t('export.format') }, ...options(formats.map((each) => [each.name, each.title]))));
  const states = Object.entries(stateNames()).map(([value, name]) => ({
    value, name, box: /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox', checked: value === 'done' || value === 'reviewed' })),
  }));
  const tolerance = /** @type {HTMLInputElement} */ (element('input', { type: 'number', min: 0, max: 100, step: 0.5, value: 0 }));
  const split = /** @type {HTMLInputElement} */ (element('input', { placeholder: '0.8,0.1,0.1', size: 12 }));
  const seed = /** @type {HTMLInputElement} */ (element('input', { type: 'number', min: 0, step: 1, value: 0 }));
  const pictures = /** @type {HTMLInputElement} */ (element('input', { type: 'checkbox' }));
  const outlines = field(t('export.tolerance'), tolerance);
  const show = () => {
    outlines.hidden = !OF_POLYGONS.includes(format.value);
    pictures.checked = OF_TRAINERS.includes(format.value);
  };
  format.addEventListener('change', show);
  show();
  open(t('export'), [
    field(t('export.format'), format),
    element('fieldset', {}, element('legend', {}, t('export.states')), ...states.map(({ name, box }) => element('label', { class: 'check' }, box, name))),
    outlines,
    field(t('export.split'), split),
    field(t('export.seed'), seed),
    element('label', { class: 'check' }, pictures, t('export.pictures')),
    element('p', { class: 'quiet' }, t('export.how')),
  ], [
    { text: t('cancel') },
    {
      text: t('export.download'), primary: true,
      act: () => {
        const chosen = states.filter(({ box }) => box.checked).map(({ value }) => value);
        const usual = chosen.join() === 'done,reviewed';
        void fetchFile(format.value, {
          format: format.value, states: usual ? '' : chosen.join() || 'done', tolerance: tolerance.value || '0', split: split.value,
          seed: seed.value || '0', images: pictures.checked ? 'copy' : 'none',
        });
      },
    },
  ]);
}

/** @param {string} name @param {HTMLElement} control */
function field(name, control) {
  return element('label', { class: 'field' }, element('span', {}, name), control);
}

/**
 * An empty export is a sentence, not a file.
 * @param {string} format
 * @param {Record<string, string>} asked
 */
async function fetchFile(format, asked) {
  const response = await fetch(`api/export?${new URLSearchParams(asked)}`);
  if (!response.ok) {
    const told = await response.json().catch(() => null);
    open(t('export.nothing'), [told?.error ?? t('http.status', { status: response.status })]);
    return;
  }
  const url = URL.createObjectURL(await response.blob());
  download(url, `masks-${format}.zip`);
  const told = [response.headers.get('x-tamis-left-out')?.split(';')[0], response.headers.get('x-tamis-dropped')].filter(Boolean);
  if (told.length) open(t('export.done'), told.map((each) => element('p', {}, t('export.left', { what: String(each) }))));
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
