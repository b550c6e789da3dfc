import type { Peer } from './peer-llama-model.ts'
import { type Cost, costOf, median } from './timing.ts'

/** What a measure of the peer says, milliseconds. */
export interface PrefillFigures {
  readonly wallMs: number
  readonly cpuMs: number
}

/** The same of a token. */
export interface DecodeFigures extends PrefillFigures {
  /** The middle one of all tokens; `wallMs` and `cpuMs` are their mean. */
  readonly medianMs: number
}

/** Tokens of a prompt: ordinary pieces of Gemma's vocabulary, no two alike nearby. */
export function promptIds(count: number): number[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? 2 : 1000 + ((index * 7919) % 100_000)))
}

/** A prompt and the token that follows it: what a user waits for. */
export async function prefillLlama({ sequence }: Peer, tokens: number): Promise<PrefillFigures> {
  await sequence.clearHistory()
  return figures(
    await costOf(async () => {
      await using answer = sequence.evaluate(promptIds(tokens), { yieldEogToken: true })
      await answer.next()
    }),
  )
}

/** Tokens one by one behind what the sequence holds. */
export async function decodeMore({ sequence }: Peer, tokens: number): Promise<DecodeFigures> {
  const costs: Cost[] = []
  await using answer = sequence.evaluate([1000], { yieldEogToken: true })
  for (let token = 0; token < tokens; token++) costs.push(await costOf(() => answer.next(1000 + token)))
  return decodeFigures(costs)
}

/** Tokens one by one behind a prompt. What follows is given, not chosen: an answer that ends early would end the measure. */
export async function decodeLlama(peer: Peer, context: number, tokens: number): Promise<DecodeFigures> {
  const { sequence } = peer
  await sequence.clearHistory()
  await using answer = sequence.evaluate(promptIds(context), { yieldEogToken: true })
  await answer.next()
  const costs: Cost[] = []
  for (let token = 0; token < tokens; token++) costs.push(await costOf(() => answer.next(1000 + token)))
  return decodeFigures(costs)
}

/** Sums up the costs of single tokens. */
export function decodeFigures(costs: readonly Cost[]): DecodeFigures {
  const mean = (pick: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + pick(cost), 0) / costs.length
  return {
    wallMs: mean(({ wall }) => wall),
    cpuMs: mean(({ cpu }) => cpu),
    medianMs: median(costs.map(({ wall }) => wall)),
  }
}

/** As figures of a whole run. */
export function figures({ wall, cpu }: Cost): PrefillFigures {
  return { wallMs: wall, cpuMs: cpu }
}
