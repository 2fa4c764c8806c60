/** Whether all that people did is on the server's disk: the one place that may say "saved". */

/**
 * What may stand between an action and the disk.
 * @typedef {{
 *   waiting: number, open: boolean, why: string, disk: string,
 * }} Standing how many events are not acknowledged yet, whether an answer is still waited for that will become one, why
 *   sending failed, and what is wrong with the disk under the server ('' for nothing)
 */

/**
 * @param {Standing} standing
 * @returns {{text: string, unsaved: boolean}}
 */
export function told({ waiting, open, why, disk }) {
  if (disk) return { text: `NOTHING IS BEING SAVED: ${disk}. ${waiting ? `${waiting} kept in this browser.` : ''}`.trim(), unsaved: true };
  if (waiting && why) return { text: `NOT SAVED (${waiting}): ${why}. Kept in this browser.`, unsaved: true };
  return { text: waiting || open ? 'saving …' : 'saved', unsaved: false };
}
