/** What guessing tokens wins and loses: `node test/bench/speculation.ts --help`. */
import { loadavg } from 'node:os'
import { integerOption, requiredOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { BatchEngine } from '@loupe/gpu-worker/src/engine/batch-engine.ts'
import { PromptSpeculator } from '@loupe/gpu-worker/src/speculate/prompt-speculator.ts'
import { openModelText } from '@loupe/gpu-worker/src/text/model-text.ts'
import { answerIds, createSampler, type Gemma3VLModel } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { type TimedAnswer, timeAnswer, UNWATCHED } from './engine-answer.ts'
import { PASSAGES } from './quality-passages.ts'
import { runScript } from './script.ts'
import { median } from './timing.ts'

const [STORY = '', HEAT = '', LETTER = '', SOUP = ''] = PASSAGES
const LIST = 'apples bread coffee dates eggs flour ginger honey ice jam kale lemons'.split(' ')
const LINES = LIST.map((word, at) => `${at + 1}. ${word}`).join('\n')
const CODE = `function area(shape) {
  if (shape.kind === 'circle') return Math.PI * shape.radius ** 2
  if (shape.kind === 'square') return shape.side ** 2
  if (shape.kind === 'rectangle') return shape.width * shape.height
`

/** What is gone on with, from what is copied word by word to what is said in new words. */
const TEXTS: Readonly<Record<string, string>> = {
  'a list, once more': `Shopping list:\n${LINES}\n\nThe same list again:\n${LINES}\n\nThe same list again:\n1. apples\n`,
  'a letter, copied': `Letter:\n${LETTER}\n\nCopy of the letter:\n${LETTER}\n\nCopy of the letter:\nDear Mr.`,
  'a program, called again': `${CODE}}\n\nfunction perimeter(shape) {\n  if (shape.kind === 'circle')`,
  'a story': STORY,
  'an explanation': HEAT,
  'a recipe': SOUP,
}

await runScript({
  summary: 'speculation: tokens a second with guessed tokens, over those without',
  help: `
usage: node test/bench/speculation.ts --model PATH [--max-tokens N] [--temperature T] [--texts TEXT] [--rounds N] [--threads N]

Two engines on one model go on with each text in turns; the first round warms up, of the others the median counts.
Of processor time: the same ratio by tokens for each second that this process computed, whatever else the machine does.
Right: of the tokens that were guessed. Same: how many ids the answers have in common before they part.

  --model PATH    a checkpoint or a GGUF
  --max-tokens N  of an answer (default: 128)
  --temperature T 0, or 1 with the defaults of the released models beside it (default: 0)
  --texts TEXT    only those whose name contains it: ${Object.keys(TEXTS).join('; ')}
  --rounds N      of each kind (default: 3)
  --threads N     of a run (default: 2)`,
  options: {
    model: { type: 'string' },
    'max-tokens': { type: 'string' },
    texts: { type: 'string' },
    temperature: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
  },
  async run(args, { stdout, signal }) {
    const path = requiredOption(args, 'model')
    const maxTokens = integerOption(args, 'max-tokens', 128, [2, 4096])
    const temperature = integerOption(args, 'temperature', 0, [0, 1])
    const rounds = integerOption(args, 'rounds', 3, [1, 100])
    const { tokenizer } = await openModelText(path)
    using model = await loadGemma3VL(path, { threads: integerOption(args, 'threads', 2, [1, 64]), signal })
    const [plain, guessing] = [openSide(model), openSide(model, 'auto')]
    stdout.write(
      '| text | tokens | tokens/s | with guesses | ratio | of processor time | guessed | right | same | load |\n',
    )
    stdout.write(`|${' --- |'.repeat(10)}\n`)
    const chosen = Object.entries(TEXTS).filter(([name]) => name.includes(stringOption(args, 'texts', '')))
    for (const [name, text] of chosen) {
      const ask = async (side: Side) => {
        const inputIds = Int32Array.of(model.config.bosTokenId, ...tokenizer.encode(text))
        const sampler = createSampler({ temperature, topK: 64, topP: 0.95, seed: 0 }, answerIds(model.config))
        const stop = { eosTokenIds: [], maxTokens }
        side.answers.push(await timeAnswer(side.engine, { inputIds, samplers: [sampler], stop }, signal))
      }
      for (let round = 0; round <= rounds; round++) {
        await ask(plain)
        await ask(guessing)
      }
      stdout.write(`| ${[name, ...cells(plain, guessing)].join(' | ')} |\n`)
    }
    for (const { engine } of [plain, guessing]) await engine.close(new Error('measured'))
  },
})

interface Side {
  readonly engine: BatchEngine
  readonly answers: TimedAnswer[]
  readonly guesses: { drafted: number; accepted: number }
}

/** @param tokens - of a guess; none by default */
function openSide(model: Gemma3VLModel, tokens?: 'auto'): Side {
  const guesses = { drafted: 0, accepted: 0 }
  const onJudged = (drafted: number, accepted: number) => {
    guesses.drafted += drafted
    guesses.accepted += accepted
  }
  const engine = new BatchEngine({
    pool: model.openPool({ slots: 1, capacityTokens: 2048 }),
    imageTokenId: model.config.imageTokenId,
    limits: { requests: 1, requestsPerTenant: 1, tokens: 0 },
    chunkTokens: 320,
    ...(tokens === undefined ? {} : { speculator: new PromptSpeculator({ tokens, onJudged }) }),
    monitor: UNWATCHED,
    now: () => performance.now(),
  })
  return { engine, answers: [], guesses }
}

/** Forgets what was measured. */
function cells(plain: Side, guessing: Side): readonly string[] {
  const before = plain.answers.splice(0).slice(1)
  const after = guessing.answers.splice(0).slice(1)
  const { drafted, accepted } = guessing.guesses
  Object.assign(guessing.guesses, { drafted: 0, accepted: 0 })
  const speed = ({ ids, decodeMs }: TimedAnswer) => (1000 * (ids.length - 1)) / decodeMs
  const [slow, fast] = [median(before.map(speed)), median(after.map(speed))]
  const over = (pick: (answer: TimedAnswer) => number) => {
    return median(after.map((answer, round) => pick(answer) / pick(before[round] ?? answer)))
  }
  const [one, other] = [before[0]?.ids ?? [], after[0]?.ids ?? []]
  const parted = one.findIndex((id, at) => id !== other[at])
  return [
    String(other.length),
    slow.toFixed(1),
    fast.toFixed(1),
    over(speed).toFixed(2),
    over(({ ids, decodeCpuMs }) => (ids.length - 1) / decodeCpuMs).toFixed(2),
    String(Math.round(drafted / (after.length + 1))),
    drafted === 0 ? '' : `${Math.round((100 * accepted) / drafted)} %`,
    parted < 0 ? 'all' : String(parted),
    loadavg()[0]?.toFixed(1) ?? '',
  ]
}
