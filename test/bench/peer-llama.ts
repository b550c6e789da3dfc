/** Measures llama.cpp on one GGUF file, when asked: `node test/bench/peer-llama.ts --help`. */
import { integerOption, requiredOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { jsonLines } from '@loupe/gpu-worker/src/cli/json-lines.ts'
import { AppError } from '@loupe/shared/errors'
import { decodeLlama, decodeMore, prefillLlama } from './peer-llama-measures.ts'
import { openPeer, type Peer } from './peer-llama-model.ts'
import { peerPackage } from './peer-llama-package.ts'
import { processMemory } from './process-memory.ts'
import { runScript } from './script.ts'
import { costOf } from './timing.ts'

await runScript({
  summary: 'peer-llama: load a GGUF with llama.cpp and measure it, one JSON object a line',
  help: `
usage: node test/bench/peer-llama.ts --model FILE [--threads N] [--context N] [--batch N] [--peer DIR] [--log]
                                     [--no-flash-attention] [--no-mmap]

Reads one measure a line on stdin, so that a bench can give both sides their turns:

  { "measure": "prefill", "tokens": 512 }
  { "measure": "decode", "context": 512, "tokens": 32 }
  { "measure": "more", "tokens": 16 }
  { "measure": "memory" }

and answers each with a line: milliseconds, or bytes. "more" decodes behind what is there. The first line, unasked, is what
loading took. Ends with stdin.

  --model FILE           a .gguf, the same that the other side reads
  --threads N            threads of a run (default: 2)
  --context N            most tokens of a sequence (default: 2560)
  --batch N              most tokens of one pass (default: 512)
  --peer DIR             where node-llama-cpp is, or is to be installed (default: in the directory for temporary files)
  --no-flash-attention   attention as llama.cpp did it before
  --no-mmap              read weights into memory
  --log                  what llama.cpp says, on stderr

What is in the peer's favour: its own release binary, of which it picks the backend for the instructions that this CPU
has ("haswell" for AVX2); weights repacked where its backend can; no limit on the threads of a context; flash attention;
greedy choice without a chain of samplers.`,
  options: {
    model: { type: 'string' },
    threads: { type: 'string' },
    context: { type: 'string' },
    batch: { type: 'string' },
    peer: { type: 'string' },
    'no-flash-attention': { type: 'boolean' },
    'no-mmap': { type: 'boolean' },
    log: { type: 'boolean' },
  },
  async run(args, { stdin, stdout, stderr }) {
    const tell = (line: object) => stdout.write(`${JSON.stringify(line)}\n`)
    const options = {
      package: await peerPackage(stringOption(args, 'peer')),
      model: requiredOption(args, 'model'),
      threads: integerOption(args, 'threads', 2, [1, 64]),
      contextTokens: integerOption(args, 'context', 2560, [1, 2 ** 20]),
      batchTokens: integerOption(args, 'batch', 512, [1, 2 ** 16]),
      hasFlashAttention: args.values['no-flash-attention'] !== true,
      isMapped: args.values['no-mmap'] !== true,
      ...(args.values['log'] === true ? { onLog: (message: string) => stderr.write(`${message.trim()}\n`) } : {}),
    }
    let opened: Peer | undefined
    const { wall, cpu } = await costOf(async () => {
      opened = await openPeer(options)
    })
    if (opened === undefined) return
    await using peer = opened
    tell({ measure: 'load', wallMs: wall, cpuMs: cpu, memory: processMemory(), systemInfo: peer.systemInfo })
    for await (const { line, value } of jsonLines(stdin)) tell(await measure(peer, value, line))
  },
})

async function measure(peer: Peer, value: unknown, line: number): Promise<object> {
  const { measure: name, tokens = 0, context = 0 } = readMeasure(value)
  if (name === 'prefill') return { measure: name, tokens, ...(await prefillLlama(peer, tokens)) }
  if (name === 'more') return { measure: name, tokens, ...(await decodeMore(peer, tokens)) }
  if (name === 'memory') return { measure: name, memory: processMemory() }
  if (name === 'decode') return { measure: name, context, tokens, ...(await decodeLlama(peer, context, tokens)) }
  throw new AppError('usage.invalid', `line ${line}: expected a measure that --help names, found "${name}".`)
}

function readMeasure(value: unknown): { measure?: string; tokens?: number; context?: number } {
  // Whoever asks is a script beside this one; a wrong field gives a measure of nothing.
  return typeof value === 'object' && value !== null ? value : {}
}
