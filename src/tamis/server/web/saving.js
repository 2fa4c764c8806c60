/** Whether all that people did is on the server's disk: the one place that may say "saved". */
import { t } from './words.js';

/**
 * What may stand between an action and the disk: how many events are not acknowledged yet, whether an answer is still
 * waited for that will become one, why sending failed, and what is wrong with the disk under the server ('' for nothing).
 * @typedef {{waiting: number, open: boolean, why: string, disk: string}} Standing
 */

/**
 * @param {Standing} standing
 * @returns {{text: string, unsaved: boolean}}
 */
export function told({ waiting, open, why, disk }) {
  if (disk) return { text: t(waiting ? 'saving.disk.waiting' : 'saving.disk', { disk, count: waiting }), unsaved: true };
  if (waiting && why) return { text: t('saving.not', { count: waiting, why }), unsaved: true };
  return { text: t(waiting || open ? 'saving.now' : 'saving.done'), unsaved: false };
}
