import type { EngineLoad } from '../engine/engine.ts'
import type { EngineMonitor } from '../engine/engine-monitor.ts'
import { type Counter, type Histogram, MetricRegistry } from './registry.ts'

/** What the worker counts about one model. */
export interface WorkerMetrics {
  readonly promptTokens: Counter
  readonly generationTokens: Counter
  /** With the label `finished_reason`: `stop`, `length`, `abort` or `error`. */
  readonly requestSuccess: Counter
  /** With the label `code`, one of our error codes. */
  readonly refusals: Counter
  readonly requestPromptTokens: Histogram
  readonly requestGenerationTokens: Histogram
  readonly timeToFirstToken: Histogram
  readonly requestLatency: Histogram
  readonly queueTime: Histogram
  readonly prefillTime: Histogram
  readonly decodeTime: Histogram
  /** Pictures that requests showed, and those that needed no vision pass of their own. */
  readonly imageQueries: Counter
  readonly imageHits: Counter
  /** Tokens of prompts, and those whose keys and values were kept. */
  readonly prefixQueries: Counter
  readonly prefixHits: Counter
  /** Guesses, the tokens of them, and those that were right. */
  readonly drafts: Counter
  readonly draftTokens: Counter
  readonly acceptedTokens: Counter
  readonly visionPasses: Counter
  readonly visionPassTime: Histogram
  /** What the engine tells of itself. */
  readonly engine: EngineMonitor
  readonly registry: MetricRegistry
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const ROWS = [1, 2, 4, 8, 16, 32, 64]
const TOKENS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
const LENGTHS = [...TOKENS, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]
/** How an answer ends: as the protocol says, or because its client left, or by a fault. */
const ENDS = ['stop', 'length', 'abort', 'error'].map((finished_reason) => ({ finished_reason }))

/**
 * Makes the metrics of one model. Where the meaning is the same the names are those of vLLM, which dashboards and
 * autoscalers know; what no other server counts, the work of the vision tower, has our own prefix.
 *
 * @see https://docs.vllm.ai/en/latest/design/metrics.html
 */
export function createWorkerMetrics(modelName: string, load: () => EngineLoad): WorkerMetrics {
  const registry = new MetricRegistry({ model_name: modelName })
  registry.gauge('vllm:num_requests_running', 'Sequences that are part of the batch.', () => load().running)
  registry.gauge('vllm:num_requests_waiting', 'Requests that wait for their turn.', () => load().waiting)
  registry.gauge('vllm:kv_cache_usage_perc', 'Share of the key-value cache in use, 0 to 1.', () => load().heldShare)
  registry.gauge('loupe:kv_cache_tokens', 'Tokens whose keys and values are held.', () => load().heldTokens)
  return {
    ...requestMetrics(registry),
    ...cacheMetrics(registry),
    drafts: registry.counter('vllm:spec_decode_num_drafts_total', 'Guesses that were computed.'),
    draftTokens: registry.counter('vllm:spec_decode_num_draft_tokens_total', 'Tokens that were guessed.'),
    acceptedTokens: registry.counter('vllm:spec_decode_num_accepted_tokens_total', 'Guessed tokens that were right.'),
    engine: engineMetrics(registry),
    registry,
  }
}

function requestMetrics(registry: MetricRegistry) {
  const seconds = (name: string, help: string) => registry.histogram(name, help, SECONDS)
  const lengths = (name: string, help: string) => registry.histogram(name, help, LENGTHS)
  return {
    promptTokens: registry.counter('vllm:prompt_tokens_total', 'Tokens of prompts that were read, cached ones too.'),
    generationTokens: registry.counter('vllm:generation_tokens_total', 'Tokens generated.'),
    requestSuccess: registry.counter('vllm:request_success_total', 'Requests that ended, by how.', ENDS),
    refusals: registry.counter('loupe:requests_refused_total', 'Requests that were not admitted, by error code.', []),
    requestPromptTokens: lengths('vllm:request_prompt_tokens', 'Tokens of the prompt of an answered request.'),
    requestGenerationTokens: lengths('vllm:request_generation_tokens', 'Tokens of all answers to a request.'),
    timeToFirstToken: seconds('vllm:time_to_first_token_seconds', 'From admission to first token.'),
    requestLatency: seconds('vllm:e2e_request_latency_seconds', 'From admission to the end of an answered request.'),
    queueTime: seconds('vllm:request_queue_time_seconds', 'From admission to the turn, pictures included.'),
    prefillTime: seconds('vllm:request_prefill_time_seconds', 'From the turn to the first token.'),
    decodeTime: seconds('vllm:request_decode_time_seconds', 'From the first token to the end.'),
  }
}

function cacheMetrics(registry: MetricRegistry) {
  return {
    imageQueries: registry.counter('vllm:mm_cache_queries_total', 'Pictures that requests showed.'),
    imageHits: registry.counter('vllm:mm_cache_hits_total', 'Pictures whose features were there or under way.'),
    prefixQueries: registry.counter('vllm:prefix_cache_queries_total', 'Prompt tokens that were looked up.'),
    prefixHits: registry.counter('vllm:prefix_cache_hits_total', 'Prompt tokens that were not computed again.'),
    visionPasses: registry.counter('loupe:vision_passes_total', 'Pictures that the vision tower looked at.'),
    visionPassTime: registry.histogram('loupe:vision_pass_seconds', 'Time of one vision pass.', SECONDS),
  }
}

function engineMetrics(registry: MetricRegistry): EngineMonitor {
  const preemptions = registry.counter('vllm:num_preemptions_total', 'Sequences that gave their slot to another.')
  const gaps = registry.histogram('vllm:inter_token_latency_seconds', 'Between two tokens of an answer.', SECONDS)
  const tokens = registry.histogram(
    'vllm:iteration_tokens_total',
    'Tokens of prompts and answers in one step of the engine.',
    TOKENS,
  )
  const rows = registry.histogram('loupe:decode_batch_size', 'Sequences that answered in one step.', ROWS)
  const stepTime = registry.histogram('loupe:step_seconds', 'Time of one step of the engine.', SECONDS)
  return {
    step: ({ sequences, decoded, prefilled, elapsedMs }) => {
      tokens.observe(decoded + prefilled)
      stepTime.observe(elapsedMs / 1000)
      if (sequences > 0) rows.observe(sequences)
    },
    tokenGap: (elapsedMs) => gaps.observe(elapsedMs / 1000),
    preempted: () => preemptions.add(),
  }
}
