/**
 * What the server and the modules of this page tell each other; types only.
 *
 * @typedef {{size: [number, number], counts: string}} Rle COCO's compressed run lengths, [height, width]
 * @typedef {{x: number, y: number, positive: boolean}} Click pixels of the upright image
 * @typedef {{id: string, label: string, rle: Rle, tool?: string, clicks?: Click[]}} Instance one mask of an image
 * @typedef {{id: string, name: string, color: string, key: string}} Label
 * @typedef {'todo'|'progress'|'done'|'reviewed'|'skipped'} ImageState
 * @typedef {{id: number, name: string, width: number|null, height: number|null, state: ImageState,
 *   encoded: 'waiting'|'ready'|'failed'|'none', problem: string|null, masks: number, seconds: number, clicks: number,
 *   changed: boolean, missing: boolean, editor: string|null}} ImageRow
 * @typedef {{name: string, folder_name: string, id?: string, version: string, readonly: boolean, segmentor: string,
 *   user: string, labels: Label[], formats: {name: string, title: string}[]}} Project
 * @typedef {{uuid: string, kind: string, body: Record<string, any>, at: string, active_ms: number, clicks: number,
 *   seq?: number, user?: string}} Event
 * @typedef {{masks: Map<string, Instance>, state: ImageState, note: string}} Content what the events of an image make
 */
export {};
