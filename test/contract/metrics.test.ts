/** What `/metrics` tells after known traffic: names, types, labels and exact counts, as the README has them. */
import { readFile } from 'node:fs/promises'
import { FAKE_IDS } from '@loupe/gpu-worker/src/testing/fake-model.ts'
import {
  createFixture,
  INFER,
  picture,
  question,
  STREAM,
  type WorkerFixture,
} from '@loupe/gpu-worker/src/testing/worker-fixture.ts'
import { describe, expect, it, vi } from 'vitest'

interface Metric {
  readonly name: string
  readonly type: string
  readonly help: string
  /** Values by their labels, `model_name` left out: `_bucket{le="1"}`, `_sum`, `{finished_reason="stop"}`. */
  readonly values: ReadonlyMap<string, number>
}

/** Reads the text format as strictly as a scraper may: one head for each metric, and its series right behind it. */
function readMetrics(text: string): Map<string, Metric> {
  expect(text.endsWith('\n')).toBe(true)
  const metrics = new Map<string, Metric>()
  for (const group of text
    .trimEnd()
    .split(/^# HELP /m)
    .slice(1)) {
    const [head = '', typeLine = '', ...lines] = group.trimEnd().split('\n')
    const [, name = '', help = ''] = /^(\S+) (.+)$/.exec(head) ?? []
    const [, type = ''] = new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(typeLine) ?? []
    expect(type, `the type of ${name}`).not.toBe('')
    expect(metrics.has(name), `${name} has one head`).toBe(false)
    const values = lines.map((line): [string, number] => {
      const [, suffix = '', labels = '', value] = SERIES.exec(line.slice(name.length)) ?? expect.fail(line)
      expect(line.startsWith(name)).toBe(true)
      return [labels === '' ? suffix : `${suffix}{${labels}}`, Number(value)]
    })
    expect(new Set(values.map(([key]) => key)).size, `series of ${name}`).toBe(values.length)
    metrics.set(name, { name, type, help, values: new Map(values) })
  }
  return metrics
}

const SERIES = /^(|_bucket|_sum|_count)\{model_name="fake"(?:,([a-z_]+="[^"]*"))?\} (\d+(?:\.\d+)?(?:e-?\d+)?)$/

async function scrape({ app }: WorkerFixture) {
  const response = await app.request('/metrics')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const metrics = readMetrics(await response.text())
  return {
    metrics,
    /** One number. @param series - what follows the name */
    value: (name: string, series = '') => metrics.get(name)?.values.get(series),
    /** Series that count something, by their label. */
    counted: (name: string) =>
      Object.fromEntries([...(metrics.get(name)?.values ?? [])].filter(([, value]) => value > 0)),
  }
}

/** What a worker was asked, and what it did by then. */
async function afterTraffic() {
  const worker = createFixture({ speculate: 3 })
  const { app, model } = worker
  const { patches, digest } = picture(1)
  await app.request(INFER, question({ imageDigests: [digest] })) // refused: not held
  await app.request(INFER, question({ imageDigests: [digest], patches: [patches] }))
  await app.request(INFER, question({ imageDigests: [digest] }))
  await app.request(INFER, question({ parameters: { n: 2, max_tokens: 2 } }))
  await app.request(INFER, question({ inputIds: Int32Array.of(2, FAKE_IDS.vocab) })) // refused: no such token

  model.answer = [...Array(3)].flatMap(() => [20, 21, 22, 23]) // three times the same: the third is guessed
  await app.request(INFER, question({ inputIds: Int32Array.of(3, 4) }))

  const client = new AbortController()
  const reader = (
    await app.request(STREAM, question({ parameters: { ignore_eos: true } }, client.signal))
  ).body?.getReader()
  await reader?.read()
  await reader?.cancel()
  await vi.waitFor(() => expect(worker.served.engine.load.running).toBe(0))

  model.hold = () => Promise.reject(new Error('the device is gone'))
  await app.request(INFER, question())
  return worker
}

describe('the metrics of a worker', () => {
  it('are those of its README: names, types, labels and what they mean', async () => {
    const { metrics } = await scrape(await afterTraffic())
    const labelOf = ({ values }: Metric) => {
      const names = [...values.keys()].map((series) => /\{([a-z_]+)=/.exec(series)?.[1] ?? '')
      return [...new Set(names)]
        .filter((name) => name !== '' && name !== 'le')
        .map((name) => `\`${name}\``)
        .join(', ')
    }
    const table = [...metrics.values()].map((metric) => {
      return `| \`${metric.name}\` | ${metric.type} | ${labelOf(metric)} | ${metric.help} |`.replaceAll('  ', ' ')
    })
    const readme = await readFile(new URL('../../apps/gpu-worker/README.md', import.meta.url), 'utf8')
    const rows = readme.split('\n').filter((line) => /^\| `(vllm|loupe):/.test(line))
    expect(rows.map((row) => row.replaceAll(/ +/g, ' '))).toEqual(table)
  })

  it('count what was asked and how it ended', async () => {
    const { value, counted } = await scrape(await afterTraffic())
    expect(counted('vllm:request_success_total')).toEqual({
      '{finished_reason="stop"}': 3,
      '{finished_reason="length"}': 1,
      '{finished_reason="abort"}': 1,
      '{finished_reason="error"}': 1,
    })
    expect(counted('loupe:requests_refused_total')).toEqual({
      '{code="image.missing"}': 1,
      '{code="prompt.invalid_token"}': 1,
    })
    // Two with a picture, of 260 tokens each; one answered twice; one that repeats itself.
    const prompts = 260 + 260 + 2 + 2
    expect(value('vllm:request_prompt_tokens', '_sum')).toBe(prompts)
    expect(value('vllm:prompt_tokens_total')).toBe(prompts + 2) // also of the one that was left
    expect(value('vllm:request_generation_tokens', '_sum')).toBe(3 + 3 + 4 + 12)
    for (const name of ['e2e_request_latency_seconds', 'request_prefill_time_seconds', 'request_decode_time_seconds']) {
      expect(value(`vllm:${name}`, '_bucket{le="+Inf"}')).toBe(value(`vllm:${name}`, '_count'))
    }
    expect(value('vllm:e2e_request_latency_seconds', '_count')).toBe(4)
    expect(value('vllm:request_decode_time_seconds', '_count')).toBe(4)
    expect(value('vllm:time_to_first_token_seconds', '_count')).toBe(5)
    expect(value('vllm:request_prefill_time_seconds', '_count')).toBe(5)
    expect(value('vllm:request_queue_time_seconds', '_count')).toBe(6)
  })

  it('count what was kept, looked at, guessed and computed', async () => {
    const { value } = await scrape(await afterTraffic())
    expect([value('vllm:mm_cache_queries_total'), value('vllm:mm_cache_hits_total')]).toEqual([2, 1])
    expect([value('loupe:vision_passes_total'), value('loupe:vision_pass_seconds', '_count')]).toEqual([1, 1])
    expect(value('loupe:image_cache_bytes')).toBe(256 * 2 * 4)
    // All prompts that came to their turn; of the second with a picture, what lies before its last two tokens.
    expect(value('vllm:prefix_cache_queries_total')).toBe(260 + 260 + 2 + 2 + 2 + 2)
    expect(value('vllm:prefix_cache_hits_total')).toBe(258)
    // Two guesses of three tokens each; where the second ends, so does the answer.
    const guessed = ['drafts', 'draft_tokens', 'accepted_tokens'].map((kind) =>
      value(`vllm:spec_decode_num_${kind}_total`),
    )
    expect(guessed).toEqual([2, 6, 5])
    // A guess makes one sequence several tokens longer, and not the batch wider; two answers to one prompt do.
    expect(value('loupe:decode_batch_size', '_bucket{le="2"}')).toBe(value('loupe:decode_batch_size', '_count'))
    expect(value('loupe:decode_batch_size', '_bucket{le="1"}')).toBeLessThan(
      value('loupe:decode_batch_size', '_count') ?? 0,
    )
    expect(value('vllm:iteration_tokens_total', '_count')).toBe(value('loupe:step_seconds', '_count'))
  })

  it('say how busy it is while it is', async () => {
    const worker = createFixture({ slots: 1 })
    const held = Promise.withResolvers<void>()
    worker.model.hold = (step) => (step === 'decode' ? held.promise : Promise.resolve())
    const asked = [0, 0, -1].map((priority) => worker.app.request(INFER, question({ parameters: { priority } })))
    await vi.waitFor(() => expect(worker.model.steps.decode).toBe(1))
    const busy = await scrape(worker)
    expect([busy.value('vllm:num_requests_running'), busy.value('vllm:num_requests_waiting')]).toEqual([1, 2])
    expect(busy.value('loupe:kv_cache_tokens')).toBe(2)
    expect(busy.value('vllm:kv_cache_usage_perc')).toBe(2 / 2048)
    held.resolve()
    for (const response of await Promise.all(asked)) expect(response.status).toBe(200)
    const idle = await scrape(worker)
    expect(idle.value('vllm:num_preemptions_total')).toBe(1)
    for (const name of ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'loupe:kv_cache_tokens']) {
      expect(idle.value(name)).toBe(0)
    }
    // Each answer is three tokens and its end: three gaps between them.
    expect(idle.value('vllm:inter_token_latency_seconds', '_count')).toBe(6)
  })
})
