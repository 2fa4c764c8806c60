/**
 * What the server and the modules of this page tell each other; types only.
 *
 * @typedef {{size: [number, number], counts: string}} Rle COCO's compressed run lengths, [height, width]
 * @typedef {{x: number, y: number, positive: boolean}} Click pixels of the upright image
 * @typedef {boolean | number | string} Value of an attribute
 * @typedef {{id: string, label: string, rle: Rle, tool?: string, clicks?: Click[], polygon?: [number, number][],
 *   attributes?: Record<string, Value>}} Instance one mask of an image
 * @typedef {string[] | 'yes/no' | 'number' | 'text'} Kind of an attribute; a list: one of these
 * @typedef {{id: string, name: string, color: string, key: string, attributes: Record<string, Kind>}} Label
 * @typedef {'todo'|'progress'|'done'|'rejected'|'reviewed'|'skipped'} ImageState
 * @typedef {{id: string, text: string, by?: string, done: boolean, mask?: string, x?: number, y?: number}} Comment
 * @typedef {{id: number, name: string, width: number|null, height: number|null, state: ImageState,
 *   encoded: 'waiting'|'ready'|'failed'|'none', problem: string|null, masks: number, seconds: number, clicks: number,
 *   changed: boolean, missing: boolean, editor: string|null, seq: number, labels: string[], smallest: number|null,
 *   largest: number|null, note: boolean, tags: string[], reason: string, comments: number, at: number|null,
 *   assigned: string, rejected: string[]}} ImageRow
 * @typedef {{id: number, confidence: number, distance: number, empty: boolean, rejected: boolean}} Rating what the assistant thinks of an image
 * @typedef {Partial<Rating> & {agreement?: number}} Rated the same, or how far the mask of a finished one agrees with the others
 * @typedef {{name: string, folder_name: string, id?: string, version: string, readonly: boolean, segmentor: string,
 *   user: string, named: boolean, another_reviews: boolean, labels: Label[], tags: string[], people: string[],
 *   formats: {name: string, title: string}[]}} Project
 * @typedef {{uuid: string, kind: string, body: Record<string, any>, at: string, active_ms: number, clicks: number,
 *   seq?: number, user?: string}} Event
 * @typedef {{masks: Map<string, Instance>, state: ImageState, note: string, reason: string, tags: string[],
 *   comments: Comment[], rejected: string[]}} Content what the events of an image make
 */
export {};
