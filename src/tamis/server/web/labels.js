/** The labels of the project: chosen, recoloured, renamed, and given attributes. */
import * as dialogs from './dialogs.js';
import { element, press } from './dom.js';
import { t } from './words.js';

/** @typedef {import('./types.js').Label} Label */
/** @typedef {import('./types.js').Kind} Kind */

/**
 * @param {HTMLElement} list
 * @param {Label[]} labels
 * @param {string} chosen
 * @param {{choose: (id: string) => void, change: (change: Record<string, any>) => void, editable: boolean}} on
 */
export function renderLabels(list, labels, chosen, on) {
  list.replaceChildren(...labels.map((label) => {
    const color = element('input', {
      type: 'color', value: label.color, disabled: !on.editable, 'aria-label': t('label.color', { name: label.name }),
      onchange: (/** @type {InputEvent & {target: HTMLInputElement}} */ event) => on.change({ action: 'change', id: label.id, color: event.target.value }),
    });
    const pick = element('button', {
      class: 'pick', 'aria-pressed': label.id === chosen, title: t('label.pick', { name: label.name }), onclick: () => on.choose(label.id),
      ondblclick: () => on.editable && edit(label, on.change),
    }, element('span', { class: 'name' }, label.name), ...(label.key ? [element('kbd', {}, label.key)] : []));
    const row = element('li', { class: label.id === chosen ? 'chosen' : '' }, color, pick);
    if (on.editable) {
      row.append(
        element('button', { 'aria-label': t('label.edit', { name: label.name }), title: t('label.edit', { name: label.name }), onclick: (/** @type {Event} */ event) => press(event, () => edit(label, on.change)) }, '✎'),
        element('button', { 'aria-label': t('label.delete', { name: label.name }), title: t('label.delete', { name: label.name }), onclick: (/** @type {Event} */ event) => press(event, () => on.change({ action: 'delete', id: label.id })) }, '×'),
      );
    }
    return row;
  }));
}

/** Name, key and attributes of a label. @param {Label} label @param {(change: Record<string, any>) => void} change */
function edit(label, change) {
  const name = /** @type {HTMLInputElement} */ (element('input', { value: label.name, maxLength: 80, 'aria-label': t('name') }));
  const key = /** @type {HTMLInputElement} */ (element('input', { value: label.key, maxLength: 1, size: 2, 'aria-label': t('key') }));
  const text = /** @type {HTMLTextAreaElement} */ (element('textarea', { rows: 5, value: written(label.attributes), 'aria-label': t('attributes') }));
  dialogs.open(t('label.edit', { name: label.name }), [
    element('label', { class: 'field' }, element('span', {}, t('name')), name),
    element('label', { class: 'field' }, element('span', {}, t('key')), key),
    element('label', { class: 'field' }, element('span', {}, t('attributes')), text),
    element('p', { class: 'quiet' }, t('attributes.how')),
  ], [{ text: t('cancel') }, {
    text: t('save'), primary: true,
    act: () => change({ action: 'change', id: label.id, name: name.value, key: key.value, attributes: parsed(text.value) }),
  }]);
}

/** Attributes as lines of text. @param {Record<string, Kind>} attributes */
function written(attributes) {
  return Object.entries(attributes ?? {}).map(([name, kind]) => `${name}: ${Array.isArray(kind) ? kind.join(', ') : kind}`).join('\n');
}

/** @param {string} text @returns {Record<string, Kind>} */
function parsed(text) {
  /** @type {Record<string, Kind>} */
  const attributes = {};
  for (const line of text.split('\n')) {
    const [name = '', ...rest] = line.split(':'), value = rest.join(':').trim();
    if (!name.trim() || !value) continue;
    const simple = ['yes/no', 'number', 'text'].find((kind) => kind === value);
    attributes[name.trim()] = /** @type {Kind} */ (simple ?? value.split(',').map((each) => each.trim()).filter(Boolean));
  }
  return attributes;
}
