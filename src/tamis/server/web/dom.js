/** Elements of the page: found by their id, or made. */

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

/** @param {string} id */
export const button = (id) => byId(id, HTMLButtonElement);

/** @param {string} id */
export const select = (id) => byId(id, HTMLSelectElement);

/** @param {string} id */
export const any = (id) => byId(id, HTMLElement);

/** An event that is dealt with: nobody else hears of it. @param {Event} event @param {() => void} act */
export function press(event, act) {
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** Options of a select. @param {[string, string][]} entries values and texts @param {string} [chosen] */
export function options(entries, chosen) {
  return entries.map(([value, text]) => element('option', { value, selected: value === chosen }, text));
}
