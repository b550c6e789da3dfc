/**
 * Loads one model in a process of its own and tells what each step took, one JSON object a line. Started by the other
 * scripts: memory of one model must not be counted for the next.
 */
import { writeFileSync } from 'node:fs'
import { type LoadModelOptions, loadGemma3VL } from '@loupe/model/node'
import type { ProcessMemory } from './process-memory.ts'
import { processMemory, settledMemory } from './process-memory.ts'
import { costOf } from './timing.ts'

/** What to load and what to do with it. */
export interface ModelToMeasure {
  readonly path: string
  readonly load: Pick<LoadModelOptions, 'dtype' | 'cacheDirectory' | 'activations' | 'threads' | 'mmproj'>
  readonly capacityTokens: number
  readonly promptTokens: number
  readonly decodedTokens: number
  /** Whether to look at a picture, if the model can; false by default. */
  readonly hasPicture?: boolean
  /** Whether to end when it is open, which is when its weights have been rewritten; false by default. */
  readonly isOnlyOpened?: boolean
}

/** What the process had after a step. */
export interface MeasuredStep {
  readonly step: 'start' | 'open' | 'picture' | 'picture again' | 'first token' | 'prompt' | 'decode'
  readonly wallMs: number
  readonly cpuMs: number
  /** Resident at the end of the step. */
  readonly memory: ProcessMemory
  /** Most resident bytes at any time of the step, files included. */
  readonly peakBytes: number
  /** Most anonymous bytes, as far as looking every few milliseconds shows. */
  readonly peakOwnBytes: number
}

const LOOK_EVERY_MS = 20

/** @param tell - called behind each step */
export async function measureModel(target: ModelToMeasure, tell: (step: MeasuredStep) => void): Promise<void> {
  const during = async <T>(step: MeasuredStep['step'], run: () => Promise<T>): Promise<T> => {
    // Linux forgets the peak so far.
    writeFileSync('/proc/self/clear_refs', '5')
    let result: T | undefined
    let peakOwnBytes = 0
    const look = () => {
      peakOwnBytes = Math.max(peakOwnBytes, processMemory().anonymous)
    }
    const looking = setInterval(look, LOOK_EVERY_MS)
    const { wall, cpu } = await costOf(async () => {
      result = await run()
    })
    clearInterval(looking)
    look()
    const { peak } = processMemory()
    tell({ step, wallMs: wall, cpuMs: cpu, memory: await settledMemory(), peakBytes: peak, peakOwnBytes })
    // It was assigned, for the run was awaited.
    return result as T
  }
  await during('start', async () => undefined)
  using model = await during('open', () => loadGemma3VL(target.path, target.load))
  if (target.isOnlyOpened) return
  const { capacityTokens, promptTokens, decodedTokens } = target
  if (model.config.vision !== undefined && target.hasPicture) {
    const picture = Uint8Array.from({ length: 4096 * 588 }, (_, i) => (i * 2_654_435_761) >>> 24)
    await during('picture', () => model.getImageFeatures(picture))
    await during('picture again', () => model.getImageFeatures(picture))
  }
  using sequence = model.startSequence({ capacityTokens })
  await during('first token', () => sequence.prefill(Int32Array.of(2), []))
  // Words, in a table of any size: behind the special tokens, and far apart.
  const word = (index: number) => 300 + ((index * 7919) % (Math.min(model.config.text.vocabSize, 200_000) - 500))
  const ids = Int32Array.from({ length: promptTokens }, (_, index) => word(index))
  await during('prompt', () => sequence.prefill(ids, []))
  await during('decode', async () => {
    for (let token = 0; token < decodedTokens; token++) await sequence.decode(word(promptTokens + token))
  })
}

if (import.meta.main) {
  const [argument = '{}'] = process.argv.slice(2)
  // Written by the script that started this one.
  await measureModel(JSON.parse(argument) as ModelToMeasure, (step) => {
    process.stdout.write(`${JSON.stringify(step)}\n`)
  })
}
