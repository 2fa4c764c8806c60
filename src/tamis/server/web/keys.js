/** Shortcuts: as people know them from other tools, editable, never two for one key. */

/** @typedef {{action: string, title: string, keys: string[]}} Shortcut */

const STORED = 'tamis.keys';

/** @type {Shortcut[]} */
export const DEFAULTS = [
  { action: 'next', title: 'Next image', keys: ['d', 'ArrowRight'] },
  { action: 'previous', title: 'Previous image', keys: ['a', 'ArrowLeft'] },
  { action: 'done', title: 'Mark as done, next image', keys: ['Ctrl+Enter'] },
  { action: 'skip', title: 'Skip, next image', keys: ['Ctrl+Backspace'] },
  { action: 'finish', title: 'Finish the mask', keys: ['Enter', 'n'] },
  { action: 'cancel', title: 'Cancel; clear the selection', keys: ['Escape'] },
  { action: 'delete', title: 'Delete the selected mask', keys: ['Delete', 'Backspace'] },
  { action: 'undo', title: 'Undo', keys: ['Ctrl+z'] },
  { action: 'redo', title: 'Redo', keys: ['Ctrl+Shift+z', 'Ctrl+y'] },
  { action: 'tool.click', title: 'Click tool', keys: ['q', 's'] },
  { action: 'tool.box', title: 'Box tool', keys: ['w'] },
  { action: 'tool.brush', title: 'Brush', keys: ['b'] },
  { action: 'tool.eraser', title: 'Eraser', keys: ['e'] },
  { action: 'tool.polygon', title: 'Polygon', keys: ['p'] },
  { action: 'tool.region', title: 'Proposals: masks found automatically', keys: ['r'] },
  { action: 'tool.select', title: 'Select', keys: ['v'] },
  { action: 'tool.pan', title: 'Move the image', keys: ['h'] },
  { action: 'sign', title: 'Negative clicks', keys: ['t'] },
  { action: 'smaller', title: 'Smaller brush', keys: ['['] },
  { action: 'larger', title: 'Larger brush', keys: [']'] },
  { action: 'finer', title: 'Finer mask (part)', keys: [','] },
  { action: 'coarser', title: 'Coarser mask (whole)', keys: ['.'] },
  { action: 'merge', title: 'Merge the selected mask with the one under the pointer', keys: ['m'] },
  { action: 'split', title: 'Split the selected mask into its parts', keys: ['x'] },
  { action: 'fill', title: 'Fill holes', keys: ['f'] },
  { action: 'islands', title: 'Remove small components', keys: ['i'] },
  { action: 'duplicate', title: 'Copy the selected mask to the next image', keys: ['Ctrl+d'] },
  { action: 'fit', title: 'Show the whole image', keys: ['0'] },
  { action: 'zoom.in', title: 'Zoom in', keys: ['+', '='] },
  { action: 'zoom.out', title: 'Zoom out', keys: ['-'] },
  { action: 'hide', title: 'Show or hide all masks', keys: ['Tab'] },
  { action: 'save', title: 'Show whether everything is saved', keys: ['Ctrl+s'] },
  { action: 'search', title: 'Search images', keys: ['/'] },
  { action: 'help', title: 'Keyboard shortcuts', keys: ['?', 'F1'] },
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
    if (RESERVED.includes(key)) return `${shown(key)} belongs to labels or to the browser.`;
    const other = this.shortcuts.find((each) => each.action !== action && each.keys.includes(key));
    if (other) return `${shown(key)} is taken: ${other.title}.`;
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
