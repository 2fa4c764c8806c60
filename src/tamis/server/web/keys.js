/** Shortcuts: as people know them from other tools, editable, never two for one key. */

import { t } from './words.js';

/** @typedef {{action: string, title: import('./words.js').Word, keys: string[]}} Shortcut */

const STORED = 'tamis.keys';

/** @type {Shortcut[]} */
export const DEFAULTS = [
  { action: 'next', title: 'do.next', keys: ['d', 'ArrowRight'] },
  { action: 'previous', title: 'do.previous', keys: ['a', 'ArrowLeft'] },
  { action: 'done', title: 'do.done', keys: ['Ctrl+Enter'] },
  { action: 'skip', title: 'do.skip', keys: ['Ctrl+Backspace'] },
  { action: 'finish', title: 'do.finish', keys: ['Enter', 'n'] },
  { action: 'cancel', title: 'do.cancel', keys: ['Escape'] },
  { action: 'delete', title: 'do.delete', keys: ['Delete', 'Backspace'] },
  { action: 'undo', title: 'do.undo', keys: ['Ctrl+z'] },
  { action: 'redo', title: 'do.redo', keys: ['Ctrl+Shift+z', 'Ctrl+y'] },
  { action: 'tool.click', title: 'do.tool.click', keys: ['q', 's'] },
  { action: 'tool.box', title: 'do.tool.box', keys: ['w'] },
  { action: 'tool.brush', title: 'do.tool.brush', keys: ['b'] },
  { action: 'tool.eraser', title: 'do.tool.eraser', keys: ['e'] },
  { action: 'tool.polygon', title: 'do.tool.polygon', keys: ['p'] },
  { action: 'tool.region', title: 'do.tool.region', keys: ['r'] },
  { action: 'tool.select', title: 'do.tool.select', keys: ['v'] },
  { action: 'tool.pan', title: 'do.tool.pan', keys: ['h'] },
  { action: 'sign', title: 'do.sign', keys: ['t'] },
  { action: 'smaller', title: 'do.smaller', keys: ['['] },
  { action: 'larger', title: 'do.larger', keys: [']'] },
  { action: 'finer', title: 'do.finer', keys: [','] },
  { action: 'coarser', title: 'do.coarser', keys: ['.'] },
  { action: 'merge', title: 'do.merge', keys: ['m'] },
  { action: 'split', title: 'do.split', keys: ['x'] },
  { action: 'fill', title: 'do.fill', keys: ['f'] },
  { action: 'islands', title: 'do.islands', keys: ['i'] },
  { action: 'duplicate', title: 'do.duplicate', keys: ['Ctrl+d'] },
  { action: 'find', title: 'do.find', keys: ['j'] },
  { action: 'fit', title: 'do.fit', keys: ['0'] },
  { action: 'zoom.in', title: 'do.zoom.in', keys: ['+', '='] },
  { action: 'zoom.out', title: 'do.zoom.out', keys: ['-'] },
  { action: 'hide', title: 'do.hide', keys: ['u'] },
  { action: 'only', title: 'do.only', keys: ['o'] },
  { action: 'lock', title: 'do.lock', keys: ['l'] },
  { action: 'front', title: 'do.front', keys: ['PageUp'] },
  { action: 'back-most', title: 'do.back-most', keys: ['PageDown'] },
  { action: 'all', title: 'do.all', keys: ['Ctrl+a'] },
  { action: 'clean', title: 'do.clean', keys: ['k'] },
  { action: 'comment', title: 'do.comment', keys: ['c'] },
  { action: 'number', title: 'do.number', keys: ['g'] },
  { action: 'save', title: 'do.save', keys: ['Ctrl+s'] },
  { action: 'search', title: 'do.search', keys: ['/'] },
  { action: 'help', title: 'do.help', keys: ['?', 'F1'] },
];

/** Keys that belong to the browser or to labels. */
const RESERVED = ['Ctrl+w', 'Ctrl+t', 'Ctrl+n', 'Ctrl+Tab', ' ', ...'123456789'];

export class Keys {
  /** @type {Shortcut[]} */
  shortcuts = DEFAULTS.map((each) => ({ ...each, keys: [...each.keys] }));

  constructor() {
    /** @type {Record<string, string[]>} */
    let stored = {};
    try {
      stored = JSON.parse(localStorage.getItem(STORED) ?? '{}');
    } catch {
      localStorage.removeItem(STORED);
    }
    for (const shortcut of this.shortcuts) {
      const keys = stored[shortcut.action];
      if (Array.isArray(keys)) shortcut.keys = keys.filter((key) => typeof key === 'string');
    }
  }

  /** @param {KeyboardEvent} event @returns {string | null} the action */
  action(event) {
    const name = nameOf(event);
    return this.shortcuts.find((each) => each.keys.includes(name))?.action ?? null;
  }

  /**
   * Give an action another key.
   * @param {string} action
   * @param {string} key
   * @returns {string | null} why not
   */
  change(action, key) {
    if (RESERVED.includes(key)) return t('keys.reserved', { key: shown(key) });
    const other = this.shortcuts.find((each) => each.action !== action && each.keys.includes(key));
    if (other) return t('keys.taken', { key: shown(key), title: t(other.title) });
    const own = this.shortcuts.find((each) => each.action === action);
    if (own) own.keys = [key];
    this.#store();
    return null;
  }

  reset() {
    this.shortcuts = DEFAULTS.map((each) => ({ ...each, keys: [...each.keys] }));
    localStorage.removeItem(STORED);
  }

  /** @param {string} action the first key, to be shown */
  hint(action) {
    return shown(this.shortcuts.find((each) => each.action === action)?.keys[0] ?? '');
  }

  #store() {
    const changed = this.shortcuts.filter((each, i) => each.keys.join() !== DEFAULTS[i]?.keys.join());
    localStorage.setItem(STORED, JSON.stringify(Object.fromEntries(changed.map((each) => [each.action, each.keys]))));
  }
}

/** What the keys beside letters and digits are on the keyboard that shortcuts were made for, by their physical place. */
const PLACES = /** @type {Record<string, string>} */ ({
  BracketLeft: '[', BracketRight: ']', Comma: ',', Period: '.', Slash: '/', Minus: '-', Equal: '=',
});

/** Punctuation that is meant as it is wherever a layout has it. */
const MEANT = '[],.+=-/?';

/** What browsers call a key whose character is still being made, as of an accent or by an input method. */
const UNMADE = ['Dead', 'Process', 'Unidentified'];

/**
 * Such as Ctrl+Shift+z; the command key is Ctrl. Where the layout gives no Latin letter or digit (Cyrillic, Greek, the
 * digits of AZERTY) the place of the key counts. AltGr is not Ctrl+Alt: what it makes is a character like any other.
 * @param {Pick<KeyboardEvent, 'key'> & Partial<KeyboardEvent>} event
 */
export function nameOf(event) {
  const altGraph = Boolean(event.getModifierState?.('AltGraph')) || (Boolean(event.ctrlKey && event.altKey) && /^[^a-z0-9]$/iu.test(event.key));
  const key = altGraph ? event.key : keyOf(event);
  const letter = /^[a-z]$/.test(key);
  const control = (event.ctrlKey || event.metaKey) && !altGraph;
  const shift = event.shiftKey && !altGraph && (letter || key.length > 1 || (/^[0-9]$/.test(key) && key !== event.key));
  return (control ? 'Ctrl+' : '') + (control && event.altKey ? 'Alt+' : '') + (shift ? 'Shift+' : '') + key;
}

/** @param {Pick<KeyboardEvent, 'key'> & Partial<KeyboardEvent>} event */
function keyOf(event) {
  const { key, code = '' } = event;
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  if (/^[0-9]$/.test(key) || (key.length > 1 && !UNMADE.includes(key) && !/^.$/u.test(key))) return key;
  const [, digit] = /^Digit([0-9])$/.exec(code) ?? [];
  if (digit && !event.shiftKey) return digit;
  if (MEANT.includes(key)) return key;
  const [, letter] = /^Key([A-Z])$/.exec(code) ?? [];
  return letter?.toLowerCase() ?? PLACES[code] ?? digit ?? key;
}

/** @param {string} key as people read it */
export const shown = (key) =>
  key.replace('ArrowRight', '→').replace('ArrowLeft', '←').replace('Escape', 'Esc').replace('Delete', 'Del');
