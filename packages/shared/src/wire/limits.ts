/**
 * What a peer may make us hold before a message has been checked. Every limit is enforced before the memory is taken.
 */
export const WIRE_LIMITS = {
  /** JSON part of a message: 128k token ids as text are 0.9 MiB. Pictures never travel as JSON. */
  jsonBytes: 4 * 1024 * 1024,
  /** A generate request has three tensors; more than this is not ours. */
  tensors: 16,
  rank: 8,
  nameCharacters: 64,
  /** One tensor: 64 pictures of 2.3 MiB fit. */
  tensorBytes: 160 * 1024 * 1024,
  /** Elements of a BYTES tensor: each costs an object, so far fewer than `tensorBytes` would allow. */
  byteElements: 4096,
  /** One event of a generate stream: a token event is about 130 bytes. */
  eventCharacters: 256 * 1024,
} as const

/** Largest request body of the worker: the JSON part and 32 pictures. Checked before a byte of it is read. */
export const MAX_REQUEST_BYTES: number = WIRE_LIMITS.jsonBytes + 32 * 4096 * 588
