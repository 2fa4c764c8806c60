/** What a person has set on this page: kept in the browser, apart for each person. */

/**
 * @typedef {{tool: string, label: string, brush: number, opacity: number, brightness: number, contrast: number,
 *   single: boolean, claim: boolean, coloring: 'label'|'instance'|'state', smooth: number, specks: number, holes: number,
 *   onFinish: boolean, sort: string, maskSort: string, optionsOpen: boolean, greeted: boolean}} Settings
 */

/** @type {Settings} */
const DEFAULTS = {
  tool: 'click', label: '', brush: 24, opacity: 45, brightness: 100, contrast: 100, single: false, claim: false,
  coloring: 'label', smooth: 0, specks: 0, holes: 0, onFinish: false, sort: 'name', maskSort: 'newest',
  optionsOpen: true, greeted: false,
};

const NAME = 'tamis.name';

/** @param {string} user @returns {Settings} */
export function readSettings(user) {
  try {
    const kept = JSON.parse(localStorage.getItem(`tamis.settings.${user}`) ?? '{}');
    const known = Object.entries(DEFAULTS).map(([key, value]) => [key, typeof kept[key] === typeof value ? kept[key] : value]);
    return /** @type {Settings} */ (Object.fromEntries(known));
  } catch {
    return { ...DEFAULTS };
  }
}

/** @param {string} user @param {Settings} settings */
export function keepSettings(user, settings) {
  try {
    localStorage.setItem(`tamis.settings.${user}`, JSON.stringify(settings));
  } catch {
    // Private windows may keep nothing: the settings then last as long as the page.
  }
}

/** The name that whoever uses this browser has given; null if nobody has. */
export function givenName() {
  return localStorage.getItem(NAME);
}

/** @param {string} name */
export function giveName(name) {
  localStorage.setItem(NAME, name);
}
