import { fasterRow } from './bench-row.ts'
import type { BenchModel, BenchRows, BenchSettings } from './bench-settings.ts'
import { askLlamaBench, llamaBench } from './peer-llama-bench.ts'
import { startLoupe } from './peer-llama-process.ts'

const CONTEXT = 512
const DECODED_TOKENS = 32

/** Against llama.cpp's own bench: the same engine as its Node package, without Node. It loads the file for every measure. */
export async function* benchStrict(model: BenchModel, settings: BenchSettings): BenchRows {
  const program = await llamaBench(settings.tell)
  settings.tell(`${model.size}: llama.cpp's own bench`)
  const { threads, folder, rounds, patienceS } = settings
  const argv = ['--model', model.path, '--cache', folder, '--threads', String(threads)]
  using ours = await startLoupe(argv)
  const theirs = { model: model.path, threads }
  const prompts: [number, number][] = []
  const decoded: [number, number][] = []
  const startedMs = performance.now()
  do {
    settings.signal.throwIfAborted()
    const prompt = await askLlamaBench(program, { ...theirs, prompt: CONTEXT, decoded: 0, depth: 0 })
    const own = await ours.ask({ measure: 'prefill', tokens: CONTEXT })
    prompts.push([prompt, own.wallMs / CONTEXT])
    const more = await ours.ask({ measure: 'more', tokens: DECODED_TOKENS })
    // The mean of both, for its bench tells no other.
    decoded.push([
      await askLlamaBench(program, { ...theirs, prompt: 0, decoded: DECODED_TOKENS, depth: CONTEXT }),
      more.wallMs,
    ])
  } while (prompts.length < rounds && performance.now() - startedMs < 2000 * patienceS)
  const of = { model: model.size, against: 'llama-bench', unit: 'tokens/s' }
  yield fasterRow({ ...of, measure: `prefill ${CONTEXT}` }, prompts, 1)
  yield fasterRow({ ...of, measure: `decode behind ${CONTEXT}` }, decoded, 1)
}
