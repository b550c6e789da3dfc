import type { Tokenizer } from '@loupe/shared/tokenizer'
import { distance, distanceNoise, logitNoise, type Noise, type StepLogits } from './compare-logits.ts'
import type { LlamaAnswer } from './llama-greedy.ts'
import type { OurAnswer, Setting } from './our-greedy.ts'

/** A prompt and llama.cpp's answer. */
export interface ComparedPrompt {
  readonly name: string
  readonly text: string
  /** Ours, without `<bos>`. */
  readonly ids: Int32Array
  readonly llama: LlamaAnswer
}

/** All that was found. */
export interface Findings {
  readonly prompts: readonly ComparedPrompt[]
  /** By setting, an answer for each prompt. */
  readonly ours: ReadonlyMap<Setting, readonly OurAnswer[]>
  readonly tokenizer: Tokenizer
}

/** Where a setting leaves llama.cpp's answer. */
interface Parting {
  readonly step: number
  /** Of llama.cpp's token over ours in its own logits; NaN when ours is not among its largest. */
  readonly theirGap: number
  /** Of ours over theirs, in this setting's logits. */
  readonly ourGap: number
  /** Between both, whichever leads, without 8-bit activations. */
  readonly referenceGap: number
}

const REFERENCE: Setting = 'float32 activations'
const DEQUANTISED: Setting = 'float32 weights'
const NOISY: Setting = 'int8 activations'

/** Two orders of summation of the same numbers are within this. */
const ROUNDING = 0.01

/** llama.cpp may be this many times as far from the reference as our own 8-bit activations. */
const NOISE_RATIO = 2

/** Says in Markdown how both sides went on, and what cannot be explained by the noise of 8-bit activations. */
export function renderReport(findings: Findings): { markdown: string; faults: readonly string[] } {
  const { prompts, ours } = findings
  const logitsOf = (setting: Setting) => (ours.get(setting) ?? []).map(({ logits }) => logits)
  const reference = logitsOf(REFERENCE)
  const llama = prompts.map(({ llama: { top } }) => top.map((step) => step.map(([, logit]) => logit)))
  const runs = { [DEQUANTISED]: logitsOf(DEQUANTISED), [NOISY]: logitsOf(NOISY), 'llama.cpp': llama }
  const noises = Object.entries(runs).map(([name, run]) => [name, noiseOf(reference, run)] as const)
  const { [NOISY]: noisy, [DEQUANTISED]: exact, 'llama.cpp': theirs } = Object.fromEntries(noises)

  const partings = [...ours].flatMap(([setting, answers]) =>
    answers.map((answer, index) => [setting, index, partingOf(findings, setting, index, answer)] as const),
  )
  const limit = (index: number, step: number) =>
    distanceNoise(reference.flat(), logitsOf(NOISY).flat(), (at) => at !== stepsBefore(reference, index) + step).largest
  const faults = [
    ...prompts.filter((prompt) => !isSame(prompt.llama.promptIds, prompt.ids)).map(({ name }) => `tokens of ${name}`),
    ...partings.flatMap(([setting, index, parting]) => {
      if (parting === undefined || Math.abs(parting.referenceGap) <= limit(index, parting.step)) return []
      return [`${setting}, ${prompts[index]?.name}: a gap of ${parting.referenceGap.toFixed(3)}`]
    }),
    ...((exact?.logit.largest ?? Number.NaN) <= ROUNDING ? [] : [`${DEQUANTISED} and ${REFERENCE} differ`]),
    ...((theirs?.logit.typical ?? Number.NaN) <= NOISE_RATIO * (noisy?.logit.typical ?? 0)
      ? []
      : ['llama.cpp is farther from us than 8-bit activations explain']),
  ]
  const markdown = [
    texts(findings),
    '| setting | prompt | tokens equal | gap of theirs, there | gap of ours, here | gap in float32 |',
    '| --- | --- | --- | --- | --- | --- |',
    ...partings.map(([setting, index, parting]) => partingRow(findings, setting, index, parting)),
    '',
    `| against ${REFERENCE} | logit, typical | largest | distance of the leading two, typical | largest |`,
    '| --- | --- | --- | --- | --- |',
    ...noises.map(([name, { logit, pair }]) => `| ${[name, ...numbers(logit), ...numbers(pair)].join(' | ')} |`),
  ]
  return { markdown: markdown.join('\n'), faults }
}

function noiseOf(reference: readonly StepLogits[], other: readonly StepLogits[]): { logit: Noise; pair: Noise } {
  return { logit: logitNoise(reference.flat(), other.flat()), pair: distanceNoise(reference.flat(), other.flat()) }
}

function partingOf(findings: Findings, setting: Setting, index: number, ours: OurAnswer): Parting | undefined {
  const llama = findings.prompts[index]?.llama
  const step = llama?.ids.findIndex((id, at) => ours.ids[at] !== id) ?? -1
  const top = llama?.top[step]
  if (top === undefined) return undefined
  const at = top.findIndex(([id]) => id === ours.ids[step])
  const gapIn = (run: Setting) => distance(findings.ours.get(run)?.[index]?.logits[step] ?? [], at, 0)
  const theirGap = distance(
    Array.from(top, ([, logit]) => logit),
    0,
    at,
  )
  return { step, theirGap, ourGap: gapIn(setting), referenceGap: gapIn(REFERENCE) }
}

function partingRow({ prompts }: Findings, setting: Setting, index: number, parting: Parting | undefined): string {
  const { name = '', llama } = prompts[index] ?? {}
  const count = llama?.ids.length ?? 0
  const gaps = parting === undefined ? [] : [parting.theirGap, parting.ourGap, parting.referenceGap]
  const cells = gaps.map((gap) => gap.toFixed(3))
  const equal = parting === undefined ? `all ${count}` : `${parting.step} of ${count}`
  return `| ${[setting, name, equal, ...(cells.length > 0 ? cells : ['', '', ''])].join(' | ')} |`
}

function texts({ prompts, ours, tokenizer }: Findings): string {
  const show = (ids: readonly number[]) => JSON.stringify(tokenizer.decode(Int32Array.from(ids)))
  const answers = prompts.map(({ name, text, llama }, index) => {
    const lines = [...ours].flatMap(([setting, found]) => {
      const { written = [] } = found[index] ?? {}
      return written.length > 0 ? [`- ${setting}: ${show(written)}`] : []
    })
    return `${name}: ${JSON.stringify(text)}\n\n- llama.cpp: ${show(llama.ids)}\n${lines.join('\n')}\n`
  })
  return answers.join('\n')
}

function numbers({ typical, largest }: Noise): string[] {
  return [typical.toFixed(4), largest.toFixed(4)]
}

function stepsBefore(runs: readonly StepLogits[], index: number): number {
  return runs.slice(0, index).reduce((sum, steps) => sum + steps.length, 0)
}

function isSame(left: ArrayLike<number>, right: ArrayLike<number>): boolean {
  return left.length === right.length && Array.from(left).every((id, at) => id === right[at])
}
