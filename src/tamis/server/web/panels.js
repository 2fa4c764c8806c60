/** The lists beside the image: images, labels and masks. They are redrawn from what they show; nothing is kept in them. */

/** @typedef {import('./types.js').ImageRow} ImageRow */
/** @typedef {import('./types.js').Label} Label */
/** @typedef {import('./types.js').Instance} Instance */

export const STATES = { todo: 'to do', progress: 'in progress', done: 'done', reviewed: 'reviewed', skipped: 'skipped' };
const ENCODED = { waiting: 'being prepared', ready: 'ready', failed: 'could not be prepared', none: 'prepared when opened' };

/**
 * An element with attributes, properties and children. Text is text, never HTML.
 * @param {string} tag
 * @param {Record<string, any>} [given] names with `on` are listeners, `class`, `role` and names with a dash attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function element(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name === 'class' || name === 'role' || name.includes('-')) made.setAttribute(name, String(value));
    else Reflect.set(made, name, value);
  }
  made.append(...children);
  return made;
}

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** @param {string} id */
export const input = (id) => byId(id, HTMLInputElement);

/** The list of images; rows are made once and changed in place, so that a folder of thousands stays quick. */
export class ImageList {
  /** @type {Map<number, {row: HTMLElement, shown: string}>} */
  #rows = new Map();
  /** @type {Map<number, ImageRow>} */
  images = new Map();
  /** @type {number | null} */
  current = null;

  /**
   * @param {HTMLElement} list
   * @param {(id: number) => void} open
   */
  constructor(list, open) {
    this.list = list;
    this.open = open;
  }

  /** Images as they are filtered, in the order of their names. @param {string} text @param {string} state */
  visible(text, state) {
    const words = text.toLowerCase();
    return [...this.images.values()]
      .filter((image) => (!state || image.state === state) && image.name.toLowerCase().includes(words))
      .sort((a, b) => order.compare(a.name, b.name));
  }

  /** @param {string} text @param {string} state */
  render(text, state) {
    const visible = this.visible(text, state);
    const rows = visible.map((image) => this.#row(image));
    const now = [...this.list.children];
    if (rows.length !== now.length || rows.some((row, i) => row !== now[i])) this.list.replaceChildren(...rows);
  }

  /** @param {ImageRow} image */
  #row(image) {
    const current = image.id === this.current;
    const shown = JSON.stringify([image, current]);
    const kept = this.#rows.get(image.id);
    if (kept?.shown === shown) return kept.row;
    const problem = image.problem ?? (image.missing ? 'the file is gone' : image.changed ? 'changed since it was annotated' : '');
    const counted = image.masks === 1 ? '1 mask' : `${image.masks} masks`;
    const told = problem || [STATES[image.state], image.masks ? counted : '', image.editor && !current ? `with ${image.editor}` : ''].filter(Boolean).join(' · ');
    const row = kept?.row ?? element('li', { role: 'option', onclick: () => this.open(image.id) });
    row.setAttribute('aria-selected', String(current));
    row.setAttribute('aria-label', `${image.name}, ${told}`);
    row.title = image.name;
    // The picture stays the same element: it would flicker.
    const picture = row.querySelector('img') ?? element('img', { src: `api/images/${image.id}/thumbnail`, loading: 'lazy', alt: '' });
    row.replaceChildren(
      picture,
      element('div', { class: 'text' },
        element('div', { class: 'name' }, element('bdi', {}, image.name)),
        element('div', { class: problem ? 'sub problem' : 'sub' }, told)),
      element('span', { class: `dot ${image.encoded}`, title: ENCODED[image.encoded] }),
    );
    this.#rows.set(image.id, { row, shown });
    return row;
  }

  showCurrent() {
    if (this.current !== null) this.#rows.get(this.current)?.row.scrollIntoView({ block: 'nearest' });
  }
}

const order = new Intl.Collator(undefined, { numeric: true });

/**
 * @param {HTMLElement} list
 * @param {Label[]} labels
 * @param {string} chosen
 * @param {{choose: (id: string) => void, recolor: (id: string, color: string) => void, rename: (label: Label) => void,
 *   remove: (label: Label) => void, editable: boolean}} on
 */
export function renderLabels(list, labels, chosen, on) {
  list.replaceChildren(...labels.map((label) => {
    const color = element('input', {
      type: 'color', value: label.color, disabled: !on.editable, 'aria-label': `Colour of ${label.name}`,
      onchange: (/** @type {InputEvent & {target: HTMLInputElement}} */ event) => on.recolor(label.id, event.target.value),
      onclick: (/** @type {MouseEvent} */ event) => event.stopPropagation(),
    });
    const row = element('li', {
      role: 'option', tabIndex: 0, 'aria-selected': label.id === chosen, title: 'Double-click renames',
      onclick: () => on.choose(label.id),
      ondblclick: () => on.editable && on.rename(label),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Enter' || event.key === ' ') press(event, () => on.choose(label.id));
      },
    }, color, element('span', { class: 'name' }, label.name), ...(label.key ? [element('kbd', {}, label.key)] : []));
    if (on.editable) row.append(element('button', { 'aria-label': `Delete label ${label.name}`, onclick: (/** @type {Event} */ event) => press(event, () => on.remove(label)) }, '×'));
    return row;
  }));
}

/** The masks of an image, the last on top; rows are kept as long as they show the same, so that a thousand stay quick. */
export class InstanceList {
  /** @type {Map<string, {row: HTMLElement, shown: string}>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} list
   * @param {{select: (id: string) => void, toggle: (id: string) => void}} on
   */
  constructor(list, on) {
    this.list = list;
    this.on = on;
  }

  /**
   * @param {Instance[]} instances
   * @param {Map<string, Label>} labels
   * @param {string | null} active
   * @param {Set<string>} hidden
   */
  render(instances, labels, active, hidden) {
    const before = this.#rows;
    this.#rows = new Map();
    instances.forEach((instance, i) => {
      const label = labels.get(instance.label);
      const name = `${i + 1} ${label?.name ?? 'deleted label'}`;
      const off = hidden.has(instance.id);
      const shown = JSON.stringify([name, label?.color, instance.id === active, off]);
      const kept = before.get(instance.id);
      const row = kept?.shown === shown ? kept.row : this.#row(instance.id, name, label?.color ?? '#888888', instance.id === active, off);
      this.#rows.set(instance.id, { row, shown });
    });
    const rows = [...this.#rows.values()].map((each) => each.row).reverse();
    // Only what differs is moved: most changes touch one row.
    rows.forEach((row, i) => {
      const now = this.list.children[i];
      if (now !== row) this.list.insertBefore(row, now ?? null);
    });
    while (this.list.children.length > rows.length) this.list.lastElementChild?.remove();
  }

  /** @param {string} id @param {string} name @param {string} color @param {boolean} active @param {boolean} off */
  #row(id, name, color, active, off) {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = color;
    return element('li', {
      role: 'option', tabIndex: 0, 'aria-selected': active,
      onclick: () => this.on.select(id),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Enter' || event.key === ' ') press(event, () => this.on.select(id));
      },
    }, swatch, element('span', { class: 'name' }, name),
    element('button', { 'aria-label': `${off ? 'Show' : 'Hide'} mask ${name}`, 'aria-pressed': off, onclick: (/** @type {Event} */ event) => press(event, () => this.on.toggle(id)) }, off ? '◌' : '●'));
  }
}

/** @param {Event} event @param {() => void} act */
function press(event, act) {
  event.preventDefault();
  event.stopPropagation();
  act();
}
