/**
 * Lets llama.cpp go on from prompts, in a process of its own: `node llama-greedy.ts JSON`, JSON on stdout. Started by
 * `gguf-greedy.ts`: a crash of a native library is then an exit status.
 */
import { openPeer, type PeerOptions, type PeerSequence } from '../bench/peer-llama-model.ts'

/** What to go on from. */
export interface LlamaTask extends Pick<PeerOptions, 'package' | 'model' | 'threads' | 'contextTokens'> {
  /** `ids` as our tokenizer gives them, beginning with `<bos>`. */
  readonly prompts: readonly { readonly text: string; readonly ids: readonly number[] }[]
  readonly tokens: number
  /** How many of the largest logits of each step are wanted. */
  readonly top: number
}

/** How llama.cpp went on from one prompt. */
export interface LlamaAnswer {
  /** Of the prompt, as llama.cpp cuts it. */
  readonly promptIds: readonly number[]
  /** The likeliest token of each step; an end token is not among them. */
  readonly ids: readonly number[]
  /** Of each step, the largest first: that of `ids` is the first. */
  readonly top: readonly (readonly (readonly [id: number, logit: number])[])[]
}

/** What the process prints. */
export interface LlamaReport {
  readonly systemInfo: string
  readonly answers: readonly LlamaAnswer[]
}

async function goOn({ prompts, tokens, top, ...options }: LlamaTask): Promise<LlamaReport> {
  await using peer = await openPeer(options)
  const answers: LlamaAnswer[] = []
  for (const { text, ids } of prompts) {
    await peer.sequence.clearHistory()
    const steps: LlamaAnswer['top'][number][] = []
    let given = ids
    while (steps.length < tokens) {
      const step = await largestLogits(peer.sequence, given, top)
      const [best] = step[0] ?? []
      if (best === undefined || peer.model.isEogToken(best)) break
      steps.push(step)
      given = [best]
    }
    const chosen = steps.flatMap(([best]) => (best === undefined ? [] : [best[0]]))
    answers.push({ promptIds: peer.model.tokenize(text, false), ids: chosen, top: steps })
  }
  return { systemInfo: peer.systemInfo, answers }
}

async function largestLogits(sequence: PeerSequence, ids: readonly number[], count: number) {
  const question = { generateNext: { token: true, logits: { filter: { tokens: [], includeTop: count } } } } as const
  const asked = ids.map((id, index) => (index === ids.length - 1 ? ([id, question] as const) : id))
  const outputs = await sequence.controlledEvaluate(asked)
  return [...(outputs.at(-1)?.next.logits ?? [])].sort(([, a], [, b]) => b - a)
}

if (import.meta.main) {
  const [argument = '{}'] = process.argv.slice(2)
  // Written by the script that started this one.
  process.stdout.write(JSON.stringify(await goOn(JSON.parse(argument) as LlamaTask)))
}
