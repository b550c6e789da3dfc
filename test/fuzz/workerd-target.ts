import { fileURLToPath } from 'node:url'
import { createTestHarness } from 'wrangler'
import { descendantBytes } from '../support/descendant-memory.ts'
import { type KnowingWorker, startKnowingWorker } from './knowing-worker.ts'
import { type FuzzTarget, type Outcome, refusal } from './target.ts'

const EDGE = fileURLToPath(new URL('../../apps/edge/', import.meta.url))
/** Beyond this an answer will not come: the slowest honest decode takes 2 s, a turn is taken away after 20. */
const HANG_MS = 60_000
const PARAM = 'messages[0].content[0].image_url'

/** The public API in workerd, as it is deployed: each file is one `POST /v1/chat/completions` with a `data:` URI. */
export async function workerdTarget(): Promise<FuzzTarget> {
  await using started = new AsyncDisposableStack()
  const worker = await startKnowingWorker()
  started.defer(() => worker.close())
  // Nothing leaves the machine, and nothing is told but errors.
  Object.assign(process.env, { CLOUDFLARE_CF_FETCH_ENABLED: 'false', WRANGLER_LOG: 'error' })
  const config = { configPath: `${EDGE}wrangler.jsonc`, vars: { WORKER_URL: worker.url, IMAGE_AVIF: 'true' } }
  const harness = createTestHarness({ root: EDGE, workers: [config] })
  started.defer(() => harness.close())
  const { url } = await harness.listen()
  const kept = started.move()
  return {
    name: 'workerd',
    look: (bytes) => ask(new URL('/v1/chat/completions', url), worker, bytes),
    residentBytes: () => descendantBytes('workerd'),
    close: () => kept.disposeAsync(),
  }
}

async function ask(url: URL, worker: KnowingWorker, bytes: Uint8Array): Promise<Outcome> {
  const image = {
    type: 'image_url',
    image_url: { url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}` },
  }
  const body = JSON.stringify({ model: worker.model, messages: [{ role: 'user', content: [image] }] })
  try {
    const reply = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(HANG_MS) })
    const text = await reply.text()
    if (reply.status === 200) return { kind: 'picture', digest: worker.lastDigests.join() }
    return readRefusal(reply.status, text)
  } catch (thrown) {
    return { kind: 'fault', detail: `no answer: ${String(thrown)}` }
  }
}

function readRefusal(status: number, text: string): Outcome {
  const error: { code?: unknown; param?: unknown; message?: unknown } = JSON.parse(text).error ?? {}
  const code = String(error.code)
  if (status < 400 || status > 499) return { kind: 'fault', detail: `status ${status}: ${text.slice(0, 500)}` }
  if (code.startsWith('image.') && error.param !== PARAM) return { kind: 'fault', detail: `param ${error.param}` }
  return refusal(code, String(error.message))
}
