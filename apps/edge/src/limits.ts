/** What one request may take. Each number is enforced before the memory or the time is spent. */
export const LIMITS = {
  /** Body of a request. A 9 MB photograph grows to 12 MB as base64. */
  requestBytes: 12 * 1024 * 1024,
  /** One picture that is fetched by its address: the same photograph, not as base64. */
  imageBytes: 12 * 1024 * 1024,
  /** Pictures of one request, crops counted. Their patches (2.3 MiB each) are held twice while they are sent: 37 MiB of 128. */
  images: 8,
  /** Text of one request. Far above 128k tokens of prose (0.5 M), far below what would keep the tokenizer busy for seconds. */
  promptCharacters: 2_000_000,
  /** Prompts of one request that are answered side by side. A Worker has 6 connections to the outside at a time. */
  parallelPrompts: 4,
  /** Ids that `/v1/tokenize` lists: 5 MB of JSON, and twice that with their spellings. */
  listedTokens: 1_000_000,
  /** One stored response with what its request brought: a whole request and its answer, log probabilities excepted. */
  storedResponseBytes: 15 * 1024 * 1024,
  /** All stored responses of one tenant: the oldest go first. A Durable Object may hold 10 GB. */
  storedTenantBytes: 512 * 1024 * 1024,
  /** One file. Cloudflare lets 100 MB of a body in; pictures are read whole. */
  uploadBytes: { batch: 95 * 1024 * 1024, vision: 12 * 1024 * 1024, user_data: 12 * 1024 * 1024 },
  /** All files of one tenant. */
  storedFilesBytes: 2 * 1024 * 1024 * 1024,
  /** Lines of a batch, as OpenAI has it. A line is held four times over while it is answered: larger pictures go by file id. */
  batch: { lines: 50_000, lineBytes: 4 * 1024 * 1024, replyBytes: 4 * 1024 * 1024 },
  /** Lines of a tenant that are answered at a time; how long a consumer is silent until it has died; how long a batch is. */
  batchLedger: { parallelLines: 4, leaseMs: 6_000, quietMs: 4_000 },
  batchRenewMs: 1_500,
  /** How long a message is worked on before the batches of others have their turn. */
  batchTurnMs: 10_000,
  /** From the first byte sent to the last byte received of one picture, redirects included. */
  imageFetchMs: 10_000,
  imageRedirects: 3,
  /** Fetched pictures kept for the next question about them: all together, and one. */
  imageCacheBytes: 8 * 1024 * 1024,
  cachedImageBytes: 2 * 1024 * 1024,
  /** Decodes that wait for their turn in this isolate. */
  waitingDecodes: 16,
  /** A decode that takes longer was abandoned with its request. The slowest honest one takes about 2 s. */
  decodeLeaseMs: 20_000,
  /** A decode whose client has left may go on for so long: the slowest honest one, once more. */
  abandonedDecodeMs: 4_000,
  /** Metadata and tokenizer requests to the worker. */
  workerReplyMs: 10_000,
  /** Without a byte of an answer. The worker sends a comment every 10 s while it computes or lets a request wait. */
  workerSilenceMs: 45_000,
  /** How long what the worker says of a model is believed without asking again. */
  modelTtlMs: 15_000,
  /** A reply that is kept for an Idempotency-Key: 5,000 tokens as a stream, far more as one object. */
  keptReplyBytes: 1024 * 1024,
  /** Silence after which a comment is sent: proxies cut connections after 60 to 125 s without a byte. */
  pingMs: 15_000,
} as const
