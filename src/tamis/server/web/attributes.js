/** What the label of the selected mask asks for. */
import { any, element } from './dom.js';
import { t } from './words.js';

/** @typedef {import('./types.js').Kind} Kind */
/** @typedef {import('./types.js').Value} Value */
/** @typedef {(HTMLInputElement | HTMLSelectElement)} Control */

/** Controls are made once for a mask and shown anew in place: what is typed into one would be lost otherwise. */
export class Attributes {
  #asked = '';
  /** @type {Map<string, Control>} */
  #controls = new Map();

  /** @param {import('./editor.js').Editor} editor */
  constructor(editor) {
    this.editor = editor;
    this.place = any('attributes');
  }

  /** @param {Map<string, import('./types.js').Label>} labels */
  render(labels) {
    const instance = this.editor.activeInstance;
    const kinds = Object.entries((instance && labels.get(instance.label)?.attributes) ?? {});
    const asked = JSON.stringify([instance?.id, kinds]);
    this.place.hidden = !kinds.length;
    if (asked !== this.#asked) {
      this.#asked = asked;
      this.#controls = new Map(kinds.map(([name, kind]) => [name, this.#control(name, kind)]));
      this.place.replaceChildren(element('h2', {}, t('attributes')), ...[...this.#controls].map(([name, control]) =>
        element('label', { class: 'field' }, element('span', {}, name), control)));
    }
    for (const [name, control] of this.#controls) {
      const value = instance?.attributes?.[name];
      if (control === document.activeElement) continue;
      if (control instanceof HTMLInputElement && control.type === 'checkbox') control.checked = value === true;
      else control.value = String(value ?? '');
    }
  }

  /** @param {string} name @param {Kind} kind @returns {Control} */
  #control(name, kind) {
    const given = { 'aria-label': name, onchange: (/** @type {Event} */ event) => this.#set(name, valueOf(/** @type {Control} */ (event.target))) };
    if (Array.isArray(kind)) {
      const choices = ['', ...kind].map((each) => element('option', { value: each }, each || '–'));
      return /** @type {HTMLSelectElement} */ (element('select', given, ...choices));
    }
    const type = kind === 'yes/no' ? 'checkbox' : kind;
    return /** @type {HTMLInputElement} */ (element('input', { type, ...given, ...(kind === 'number' ? { step: 'any' } : { maxLength: 1000 }) }));
  }

  /** @param {string} name @param {Value | null} value */
  #set(name, value) {
    const editor = this.editor, id = editor.active;
    void editor.inOrder(() => {
      const attributes = { ...(id ? editor.session?.content.masks.get(id)?.attributes : {}) };
      if (value === null || value === '') delete attributes[name];
      else attributes[name] = value;
      if (id) editor.do('mask.attributes', { id, attributes });
    });
  }
}

/** @param {Control} control @returns {Value | null} */
function valueOf(control) {
  if (control instanceof HTMLInputElement && control.type === 'checkbox') return control.checked;
  if (control instanceof HTMLInputElement && control.type === 'number') return control.value === '' ? null : Number(control.value);
  return control.value;
}
