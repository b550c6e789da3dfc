/** Runs where the package is installed: packs weights in a thread, whose file must have come along. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeSafetensors, expectedTensors, parseGemma3Config } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'

// A table of 32 MiB, which is what a thread is started for.
const config = {
  model_type: 'gemma3_text',
  vocab_size: 16_384,
  hidden_size: 512,
  intermediate_size: 512,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 128,
  sliding_window: 16,
  max_position_embeddings: 64,
}
const directory = await mkdtemp(join(tmpdir(), 'loupe-packing-'))
const tensors = Array.from(expectedTensors(parseGemma3Config(config)), ([name, shape]) => {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
  for (let at = 0; at < data.length; at++) data[at] = Math.sin(at) / 10
  return [name.replace(/^language_model\./, 'model.'), { dtype: 'F32', shape, data }] as const
})
await writeFile(join(directory, 'config.json'), JSON.stringify(config))
await writeFile(join(directory, 'model.safetensors'), encodeSafetensors(new Map(tensors)))

let threads = 0
process.on('worker', () => threads++)
using model = await loadGemma3VL(directory, { dtype: { language: 'int4' }, cacheDirectory: join(directory, 'cache') })
const { logits } = await model.forward({ inputIds: Int32Array.of(2, 7) })
process.stdout.write(`${threads} ${logits.length} ${logits.every(Number.isFinite)}\n`)
await rm(directory, { recursive: true })
