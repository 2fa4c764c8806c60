/**
 * Clicks whose answers are still waited for, kept over a reload: they are asked again once their image is open.
 */

/** @typedef {{image: number, mask: string | null, x: number, y: number, positive: boolean}} Asked */

const STORED = 'tamis.asked';

/** The page is being left: what its questions are cut off with is no answer. */
let leaving = false;
globalThis.addEventListener?.('pagehide', () => (leaving = true));
globalThis.addEventListener?.('pageshow', () => (leaving = false));

export const isLeaving = () => leaving;

/** @param {Asked} click @returns {() => void} to be called when it has become an event, or never will */
export function ask(click) {
  const key = `${click.image} ${click.mask} ${click.x} ${click.y} ${Math.random()}`;
  const kept = all();
  kept[key] = click;
  store(kept);
  return () => {
    const now = all();
    delete now[key];
    store(now);
  };
}

/** The clicks on an image that an earlier visit left without an answer; they are forgotten. @param {number} image @returns {Asked[]} */
export function leftOpen(image) {
  const kept = all(), found = Object.entries(kept).filter(([, click]) => click.image === image);
  for (const [key] of found) delete kept[key];
  if (found.length) store(kept);
  return found.map(([, click]) => click);
}

/** @returns {Record<string, Asked>} */
function all() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '{}');
  } catch {
    return {};
  }
}

/** @param {Record<string, Asked>} kept */
function store(kept) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(kept));
  } catch {
    // Private windows may keep nothing.
  }
}
