import type { EngineLoad } from '../engine/engine.ts'
import type { EngineMonitor } from '../engine/engine-monitor.ts'
import { type Counter, type Histogram, MetricRegistry } from './registry.ts'

/** What the worker counts about one model. */
export interface WorkerMetrics {
  readonly promptTokens: Counter
  readonly generationTokens: Counter
  /** With the label `finished_reason`. */
  readonly requestSuccess: Counter
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
  /** Tokens that were guessed, and those of them that were right. */
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
    promptTokens: registry.counter('vllm:prompt_tokens_total', 'Prompt tokens of answered requests.'),
    generationTokens: registry.counter('vllm:generation_tokens_total', 'Tokens generated.'),
    requestSuccess: registry.counter('vllm:request_success_total', 'Requests answered to their end.'),
    timeToFirstToken: registry.histogram('vllm:time_to_first_token_seconds', 'From admission to first token.', SECONDS),
    requestLatency: registry.histogram('vllm:e2e_request_latency_seconds', 'From admission to the end.', SECONDS),
    queueTime: registry.histogram('vllm:request_queue_time_seconds', 'From admission to the turn.', SECONDS),
    prefillTime: registry.histogram('vllm:request_prefill_time_seconds', 'From the turn to first token.', SECONDS),
    decodeTime: registry.histogram('vllm:request_decode_time_seconds', 'From first token to the end.', SECONDS),
    imageQueries: registry.counter('vllm:mm_cache_queries_total', 'Pictures that requests showed.'),
    imageHits: registry.counter('vllm:mm_cache_hits_total', 'Pictures whose features were there or under way.'),
    prefixQueries: registry.counter('vllm:prefix_cache_queries_total', 'Prompt tokens that were looked up.'),
    prefixHits: registry.counter('vllm:prefix_cache_hits_total', 'Prompt tokens that were not computed again.'),
    draftTokens: registry.counter('vllm:spec_decode_num_draft_tokens_total', 'Tokens that were guessed.'),
    acceptedTokens: registry.counter('vllm:spec_decode_num_accepted_tokens_total', 'Guessed tokens that were right.'),
    visionPasses: registry.counter('loupe:vision_passes_total', 'Pictures that the vision tower looked at.'),
    visionPassTime: registry.histogram('loupe:vision_pass_seconds', 'Time of one vision pass.', SECONDS),
    engine: engineMetrics(registry),
    registry,
  }
}

function engineMetrics(registry: MetricRegistry): EngineMonitor {
  const preemptions = registry.counter('vllm:num_preemptions_total', 'Sequences that gave their slot to another.')
  const gaps = registry.histogram('vllm:inter_token_latency_seconds', 'Between two tokens of an answer.', SECONDS)
  const tokens = registry.histogram('vllm:iteration_tokens_total', 'Tokens of one step of the engine.', TOKENS)
  const rows = registry.histogram('loupe:decode_batch_size', 'Sequences that one step gave a token.', ROWS)
  const stepTime = registry.histogram('loupe:step_seconds', 'Time of one step of the engine.', SECONDS)
  return {
    step: ({ decoded, prefilled, elapsedMs }) => {
      tokens.observe(decoded + prefilled)
      stepTime.observe(elapsedMs / 1000)
      if (decoded > 0) rows.observe(decoded)
    },
    tokenGap: (elapsedMs) => gaps.observe(elapsedMs / 1000),
    preempted: () => preemptions.add(),
  }
}
