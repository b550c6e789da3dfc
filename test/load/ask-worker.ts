import { AppError, fromOipError } from '@loupe/shared/errors'
import { encodeGenerateRequest, type GenerateParameters, readGenerateStream, WORKER_PATHS } from '@loupe/shared/wire'
import type { LoadRequest } from './load-request.ts'

/** Where to ask. */
export interface WorkerAddress {
  readonly url: string
  readonly modelName: string
}

/** How one request is asked. */
export interface AskOptions {
  readonly parameters?: GenerateParameters
  readonly signal?: AbortSignal
  /** Called for every token. */
  readonly onToken?: () => void
}

/** What came of a request. */
export interface Reply {
  /** Tokens of each answer, as far as they came. */
  readonly answers: readonly (readonly number[])[]
  /** How far the likeliest token was ahead of the second at the closest place, natural log; without log probabilities infinite. */
  readonly closest: number
  readonly waitMs: number | undefined
  readonly error: AppError | undefined
  /** What the worker said about coming back. */
  readonly retryAfter: string | undefined
}

/** Asks, greedily and on past the model's end tokens; shows pictures by their digest first. */
export async function askWorker(worker: WorkerAddress, request: LoadRequest, options: AskOptions = {}): Promise<Reply> {
  const startedMs = performance.now()
  const answers = Array.from({ length: request.choices }, (): number[] => [])
  let closest = Number.POSITIVE_INFINITY
  let waitMs: number | undefined
  let retryAfter: string | undefined
  const onRefusal = (response: Response) => {
    retryAfter = response.headers.get('retry-after') ?? undefined
  }
  try {
    const body = await openStream(worker, request, options, onRefusal)
    for await (const event of readGenerateStream(body)) {
      if (event.type !== 'tokens') continue
      waitMs ??= performance.now() - startedMs
      answers[event.choice ?? 0]?.push(...event.ids)
      for (const [best, second] of event.topLogprobs ?? []) {
        if (best !== undefined && second !== undefined) closest = Math.min(closest, best.logprob - second.logprob)
      }
      options.onToken?.()
    }
    return { answers, closest, waitMs, error: undefined, retryAfter }
  } catch (error) {
    return { answers, closest, waitMs, error: AppError.from(error), retryAfter }
  }
}

async function openStream(
  worker: WorkerAddress,
  request: LoadRequest,
  { parameters, signal }: AskOptions,
  onRefusal: (response: Response) => void,
): Promise<ReadableStream<Uint8Array>> {
  const { inputIds, pictures, maxTokens, choices } = request
  const imageDigests = pictures.map(({ digest }) => digest)
  const all = { max_tokens: maxTokens, temperature: 0, ignore_eos: true, n: choices, ...parameters }
  let missing: ReadonlySet<string> = new Set()
  for (;;) {
    const patches = pictures.filter(({ digest }) => missing.has(digest)).map((picture) => picture.patches)
    const { headers, body } = encodeGenerateRequest({ inputIds, imageDigests, patches, parameters: all })
    const address = `${worker.url}${WORKER_PATHS.generateStream(worker.modelName)}`
    const init = { method: 'POST', headers, body, ...(signal === undefined ? {} : { signal }) }
    const response = await fetch(address, init)
    if (response.ok && response.body !== null) return response.body
    onRefusal(response)
    const error = fromOipError(await response.json())
    if (error.code !== 'image.missing' || missing.size > 0) throw error
    missing = new Set(imageDigests)
  }
}
