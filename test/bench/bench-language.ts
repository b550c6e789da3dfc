import { setTimeout } from 'node:timers/promises'
import { measureBandwidth } from './bench-bandwidth.ts'
import { type BenchRow, fasterRow, plainRow } from './bench-row.ts'
import type { BenchModel, BenchRows, BenchSettings } from './bench-settings.ts'
import { type PeerMeasure, type Side, type SideMeasure, startLoupe, startPeer } from './peer-llama-process.ts'
import { median } from './timing.ts'

const CONTEXTS = [512, 2048, 8192]
/** Of a turn of decoding. */
const BLOCK_TOKENS = 16
/** Turns of decoding, which cost little beside the prompt. */
const DECODE_TURNS = 6
const WIDTHS = [1, 2, 4, 8]
/** Between turns, for threads that still spin after theirs. */
const REST_MS = 100
/** Eight sequences of a larger model leave no room for the other side. */
const LARGEST_BATCHED_BYTES = 1e9
const LLAMA = 'llama.cpp'
const MEGABYTE = 1e6
/** Attention over a longer prompt costs more a token. */
const SLOWER_BEHIND_MORE = 1.3

interface Sides {
  readonly peer: Side<PeerMeasure>
  readonly ours: Side<SideMeasure>
}

/** Prompts, decoding, load and memory of one GGUF: both sides hold it at once and take turns. */
export async function* benchLanguage(model: BenchModel, settings: BenchSettings): BenchRows {
  const { parts, threads, folder } = settings
  const isBatched = parts.has('batch') && model.bytes <= LARGEST_BATCHED_BYTES
  const common = ['--model', model.path, '--threads', String(threads), '--context', String(8192 + 512)]
  using peer = await startPeer(common)
  using ours = await startLoupe([...common, '--cache', folder, '--slots', isBatched ? '8' : '1'])
  const sides = { peer, ours }
  const of = { model: model.size, against: LLAMA }
  yield fasterRow({ ...of, measure: 'load', unit: 'ms' }, [[peer.loaded.wallMs, ours.loaded.wallMs]])
  await promptTurn(sides, 32)

  let tokenMs = 0
  for (const context of CONTEXTS) {
    const sideMs = context * tokenMs * SLOWER_BEHIND_MORE
    if (sideMs > 1000 * settings.patienceS) {
      settings.tell(`${model.size}: ${context} tokens left out, would take ${Math.round(sideMs / 1000)} s a side`)
      continue
    }
    settings.tell(`${model.size}: ${context} tokens`)
    const prompts = await promptTurns(sides, context, settings)
    tokenMs = Math.max(...prompts.flat()) / context
    if (parts.has('prefill')) yield promptRow(model, context, prompts)
    if (parts.has('decode')) yield* decodeRows(sides, model, { context, settings })
    if (context !== 512) continue
    yield* memoryRows(sides, model)
    if (isBatched) yield* batchRows(ours, model, settings)
  }
}

function promptRow({ size }: BenchModel, context: number, turns: readonly (readonly [number, number])[]): BenchRow {
  const wanted = context === 512 ? { wanted: '1.0' } : {}
  const of = { model: size, against: LLAMA, measure: `prefill ${context}`, unit: 'tokens/s' }
  return fasterRow({ ...of, ...wanted }, turns, context)
}

/** A prompt on each side. @returns `[theirs, ours]` milliseconds */
async function promptTurn({ peer, ours }: Sides, tokens: number): Promise<[number, number]> {
  const theirs = await peer.ask({ measure: 'prefill', tokens })
  await setTimeout(REST_MS)
  const own = await ours.ask({ measure: 'prefill', tokens })
  return [theirs.wallMs, own.wallMs]
}

/** As many turns as patience allows. */
async function promptTurns(sides: Sides, tokens: number, { rounds, patienceS, signal }: BenchSettings) {
  const turns: [number, number][] = []
  let spentMs = 0
  do {
    signal.throwIfAborted()
    const turn = await promptTurn(sides, tokens)
    turns.push(turn)
    spentMs += Math.max(...turn)
  } while (turns.length < rounds && spentMs * (1 + 1 / turns.length) < 1000 * patienceS)
  return turns
}

async function* decodeRows(
  { peer, ours }: Sides,
  model: BenchModel,
  { context, settings }: { readonly context: number; readonly settings: BenchSettings },
): BenchRows {
  const turns: [number, number][] = []
  const bandwidths: number[] = []
  for (let turn = 0; turn < DECODE_TURNS; turn++) {
    settings.signal.throwIfAborted()
    const more = { measure: 'more', tokens: BLOCK_TOKENS } as const
    const theirs = await peer.ask(more)
    await setTimeout(REST_MS)
    const own = await ours.ask(more)
    turns.push([theirs.medianMs ?? Number.NaN, own.medianMs ?? Number.NaN])
    if (context === 512) bandwidths.push(await measureBandwidth(settings.threads))
  }
  const target = model.size.startsWith('4b') ? '1.0' : '1.8'
  const wanted = context === 512 ? { wanted: target } : {}
  const of = { model: model.size, against: LLAMA, measure: `decode behind ${context}`, unit: 'tokens/s' }
  yield fasterRow({ ...of, ...wanted }, turns, 1)
  if (context !== 512) return
  // Of both sides what the file says: that the weights are read once, at the size in which they are stored.
  const reached = (side: 0 | 1) => model.bytes / (median(turns.map((turn) => turn[side])) / 1000) / median(bandwidths)
  const share = { model: model.size, measure: 'bandwidth that decoding reaches', unit: '%' }
  yield { ...plainRow({ ...share, wanted: '85' }, 100 * reached(1)), other: 100 * reached(0), against: LLAMA }
}

/** Several sequences at once, against one. */
async function* batchRows(ours: Side<SideMeasure>, model: BenchModel, settings: BenchSettings): BenchRows {
  const times = new Map<number, number[]>(WIDTHS.map((width) => [width, []]))
  for (let turn = 0; turn <= settings.rounds; turn++) {
    for (const width of WIDTHS) {
      settings.signal.throwIfAborted()
      const { medianMs = Number.NaN } = await ours.ask({ measure: 'batch', width, tokens: BLOCK_TOKENS / 2 })
      // The first turn touches memory for the first time.
      if (turn > 0) times.get(width)?.push(medianMs / width)
    }
  }
  const single = times.get(1) ?? []
  for (const [width, own] of times) {
    if (width === 1) continue
    const wanted = width === 8 && model.size === '1b' ? { wanted: '3.0' } : {}
    const of = { model: model.size, measure: `decode ${width} at once`, against: 'one at a time', unit: 'tokens/s' }
    yield fasterRow(
      { ...of, ...wanted },
      own.map((ms, turn) => [single[turn] ?? Number.NaN, ms] as const),
      1,
    )
  }
}

/** Resident memory of the whole process, own and in pages of files, with one sequence. */
async function* memoryRows({ peer, ours }: Sides, { size }: BenchModel): BenchRows {
  const ask = { measure: 'memory', tokens: 0 } as const
  const [theirs, own] = [(await peer.ask(ask)).memory, (await ours.ask(ask)).memory]
  if (theirs === undefined || own === undefined) return
  const of = { model: size, against: LLAMA, unit: 'MB' }
  for (const [kind, measure] of [
    ['anonymous', "process's own memory"],
    ['file', 'pages of files'],
  ] as const) {
    yield { ...plainRow({ ...of, measure }, own[kind] / MEGABYTE), other: theirs[kind] / MEGABYTE, against: LLAMA }
  }
}
