/** Lets llama.cpp and us go on from the same prompts with the same file: `node test/reality/gguf-greedy.ts --help`. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { integerOption, requiredOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { openTokenizer } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { peerPackage } from '../bench/peer-llama-package.ts'
import { runScript } from '../bench/script.ts'
import type { LlamaReport, LlamaTask } from './llama-greedy.ts'
import { goOn, type OurAnswer, SETTINGS, type Setting } from './our-greedy.ts'
import { PROMPTS } from './prompts.ts'
import { type ComparedPrompt, renderReport } from './render-report.ts'

const BOS = 2

/** Enough that a token which one side prefers is among the other's. */
const TOP = 64

await runScript({
  summary: 'gguf-greedy: does a real GGUF file give the text that llama.cpp makes of it?',
  help: `
usage: node test/reality/gguf-greedy.ts --model FILE [--tokens N] [--threads N] [--peer DIR]

Both sides go on from five prompts, always with the likeliest token, from the same token ids. Where they part, the script
asks whether that is the noise of 8-bit activations, which llama.cpp always has and we have by default: the two tokens
must be nearer to one another than our own 8-bit activations move such a pair anywhere else. It also holds that both
cut the prompts into the same tokens, that our own settings without 8-bit activations agree with one another, and that
llama.cpp is no farther from them than our 8-bit activations are.

  --model FILE   a text model of Gemma 3 in a .gguf; README.md beside this script tells where a real one is
  --tokens N     tokens of each answer (default: 40)
  --threads N    threads of either side (default: 2)
  --peer DIR     where node-llama-cpp is, or is to be installed (default: in the directory for temporary files)

Prints Markdown. Exit status 1 when anything is not explained. Takes about two minutes for 270M on two cores.`,
  options: {
    model: { type: 'string' },
    tokens: { type: 'string' },
    threads: { type: 'string' },
    peer: { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const path = resolve(requiredOption(args, 'model'))
    const tokens = integerOption(args, 'tokens', 40, [1, 1000])
    const threads = integerOption(args, 'threads', 2, [1, 64])
    const tokenizer = await openTokenizer(path)
    const prompts = Object.entries(PROMPTS).map(([name, text]) => ({ name, text, ids: tokenizer.encode(text) }))
    stderr.write('llama.cpp\n')
    const llama = await runLlama({
      package: await peerPackage(stringOption(args, 'peer')),
      model: path,
      threads,
      tokens,
      top: TOP,
      contextTokens: 2048,
      prompts: prompts.map(({ text, ids }) => ({ text, ids: [BOS, ...ids] })),
    })
    const compared = prompts.map((prompt, index) => ({ ...prompt, llama: answerAt(llama.answers, index) }))
    const cacheDirectory = await mkdtemp(join(tmpdir(), 'loupe-reality-'))
    const ours = new Map<Setting, readonly OurAnswer[]>()
    try {
      for (const [name, setting] of Object.entries(SETTINGS)) {
        stderr.write(`${name}\n`)
        const tasks = compared.map((prompt) => ({ ids: Int32Array.of(BOS, ...prompt.ids), llama: prompt.llama }))
        const load = { ...setting, cacheDirectory, threads, signal }
        // Keys of an object literal that nobody adds to.
        ours.set(name as Setting, await goOn({ path, load, tokens, prompts: tasks }))
      }
    } finally {
      await rm(cacheDirectory, { recursive: true })
    }
    const report = renderReport({ prompts: compared satisfies readonly ComparedPrompt[], ours, tokenizer })
    stdout.write(`llama.cpp: ${llama.systemInfo}\n\n${report.markdown}\n`)
    if (report.faults.length > 0) throw new AppError('runtime.failed', `Not explained: ${report.faults.join('; ')}.`)
  },
})

async function runLlama(task: LlamaTask): Promise<LlamaReport> {
  const script = join(import.meta.dirname, 'llama-greedy.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(task)], {
    maxBuffer: 64 * 1024 * 1024,
  })
  // Written by that script.
  return JSON.parse(stdout) as LlamaReport
}

function answerAt(answers: LlamaReport['answers'], index: number): LlamaReport['answers'][number] {
  const answer = answers[index]
  if (answer === undefined) throw new AppError('runtime.failed', `Expected an answer of prompt ${index}, found none.`)
  return answer
}
