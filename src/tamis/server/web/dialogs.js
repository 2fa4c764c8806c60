/** What opens over the page: a title, a body and buttons; and the keyboard shortcuts. */
import { any, byId, element } from './dom.js';
import { nameOf, shown } from './keys.js';
import { t } from './words.js';

/** @typedef {import('./keys.js').Keys} Keys */

/**
 * @param {string} title
 * @param {(Node | string)[]} body
 * @param {{text: string, act?: () => void, primary?: boolean}[]} [buttons]
 */
export function open(title, body, buttons = [{ text: t('close') }]) {
  const dialog = byId('dialog', HTMLDialogElement);
  any('dialog-title').textContent = title;
  any('dialog-body').replaceChildren(...body);
  any('dialog-buttons').replaceChildren(...buttons.map((button) => element('button', {
    class: button.primary ? 'primary' : '',
    onclick: () => {
      dialog.close();
      button.act?.();
    },
  }, button.text)));
  if (!dialog.open) dialog.showModal();
  any('dialog-body').scrollTop = 0;
  any('dialog-title').focus();
}

/** @param {Keys} keys */
export function shortcuts(keys) {
  const said = element('p', { role: 'status' }, t('shortcuts.how'));
  const list = element('div', { class: 'two' });
  const render = () => list.replaceChildren(...keys.shortcuts.map((each) => {
    const title = t(each.title);
    const text = each.keys.map(shown).join('  ');
    const button = element('button', { 'aria-label': t('shortcuts.key', { title, keys: text }) }, text);
    button.addEventListener('click', () => {
      button.textContent = t('shortcuts.press');
      button.addEventListener('keydown', (event) => {
        if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        said.textContent = keys.change(each.action, nameOf(event)) ?? `${title}: ${shown(nameOf(event))}`;
        render();
      }, { signal: until(button) });
    });
    return element('div', { class: 'shortcut' }, element('span', {}, title), button);
  }));
  render();
  open(t('shortcuts'), [said, list], [{ text: t('shortcuts.reset'), act: () => keys.reset() }, { text: t('close'), primary: true }]);
}

/** A signal for as long as an element has the focus. @param {HTMLElement} held */
function until(held) {
  const end = new AbortController();
  held.addEventListener('blur', () => end.abort(), { once: true });
  return end.signal;
}

/** @param {string} url @param {string} [name] */
export function download(url, name = '') {
  const link = /** @type {HTMLAnchorElement} */ (element('a', { href: url, download: name }));
  link.click();
}
