/** Length of the JSON part of a message whose binary tensors follow it. Header names are written in lower case. */
export const HEADER_LENGTH_HEADER = 'inference-header-content-length'

/** Set by the client or the server, on every request and reply. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** The addresses of the worker. Model names are escaped. */
export const WORKER_PATHS = {
  server: '/v2',
  live: '/v2/health/live',
  ready: '/v2/health/ready',
  models: '/v2/models',
  metrics: '/metrics',
  model: (name: string): string => `/v2/models/${encodeURIComponent(name)}`,
  modelReady: (name: string): string => `/v2/models/${encodeURIComponent(name)}/ready`,
  tokenizer: (name: string): string => `/v2/models/${encodeURIComponent(name)}/tokenizer`,
  infer: (name: string): string => `/v2/models/${encodeURIComponent(name)}/infer`,
  generateStream: (name: string): string => `/v2/models/${encodeURIComponent(name)}/generate_stream`,
  vision: (name: string): string => `/v2/models/${encodeURIComponent(`${name}.vision`)}/infer`,
} as const
