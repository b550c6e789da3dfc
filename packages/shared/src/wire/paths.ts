/** Length of the JSON part of a message whose binary tensors follow it. Header names are written in lower case. */
export const HEADER_LENGTH_HEADER = 'inference-header-content-length'

/** Set by the client or the server, on every request and reply. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** A stranger may ask for a model by half a surrogate pair, which cannot be escaped; no model has such a name. */
function escaped(name: string): string {
  return encodeURIComponent(name.toWellFormed())
}

/** The addresses of the worker. Model names are escaped. */
export const WORKER_PATHS = {
  server: '/v2',
  live: '/v2/health/live',
  ready: '/v2/health/ready',
  models: '/v2/models',
  metrics: '/metrics',
  model: (name: string): string => `/v2/models/${escaped(name)}`,
  modelReady: (name: string): string => `/v2/models/${escaped(name)}/ready`,
  tokenizer: (name: string): string => `/v2/models/${escaped(name)}/tokenizer`,
  infer: (name: string): string => `/v2/models/${escaped(name)}/infer`,
  generateStream: (name: string): string => `/v2/models/${escaped(name)}/generate_stream`,
  vision: (name: string): string => `/v2/models/${escaped(`${name}.vision`)}/infer`,
} as const
