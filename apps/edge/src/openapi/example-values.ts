/** The model of the examples. */
export const EXAMPLE_MODEL = 'google/gemma-3-4b-it'

/** A red square of 8x8 pixels, as PNG. */
export const EXAMPLE_PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mM4oaGBFTEMLQkAgl1GARdiiXUAAAAASUVORK5CYII='

/** The same, as it stands in a request. */
export const EXAMPLE_PICTURE = `data:image/png;base64,${EXAMPLE_PNG}`

/** 2026-11-24, 12:00 UTC, in seconds since 1970. */
export const EXAMPLE_TIME = 1_795_521_600

/** Ids as they are made. What was stored under them is another thing on every server. */
export const EXAMPLE_IDS = {
  request: 'req_7d1f0a3c5be94e6c8f2f1f0a9d3b6c54',
  response: 'resp_0f4c1a97be2d58e36a7f9b0c1d2e3f4a5b6c7d8e9fa0b1c2',
  message: 'msg_7be2d58e36a7f9b0c1d2e3f4a5b6c7d8e9fa0b1c20f4c1a9',
  file: 'file_d58e36a7f9b0c1d2e3f4a5b6c7d8e9fa0b1c20f4c1a97be2',
  output: 'file_a7f9b0c1d2e3f4a5b6c7d8e9fa0b1c20f4c1a97be2d58e36',
  errors: 'file_c1d2e3f4a5b6c7d8e9fa0b1c20f4c1a97be2d58e36a7f9b0',
  batch: 'batch_f4a5b6c7d8e9fa0b1c20f4c1a97be2d58e36a7f9b0c1d2e3',
  key: '3f9a1c7be0d24586',
} as const
