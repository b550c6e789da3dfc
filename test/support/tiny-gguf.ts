import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSafetensors, parseGemma3Config } from '@loupe/model'
import { embeddedModelDirectory } from '@loupe/model/node'
import { gemma3Ggufs } from './gemma3-gguf.ts'
import { ggufVocabulary } from './gguf-vocabulary.ts'
import type { WritableTensor, WritableValue } from './gguf-writer.ts'

const BLOCK = 32
const BLOCK_BYTES = 34

/**
 * The embedded model as a pair of GGUF files: its matrices in Q8_0, those of the vision tower in F16, with its own
 * tokenizer and chat template.
 *
 * @param changes - other or more keys of the language model; `undefined` leaves one out
 */
export async function tinyGgufs(
  changes: Readonly<Record<string, WritableValue | undefined>> = {},
): Promise<{ language: Uint8Array; vision: Uint8Array }> {
  const text = (name: string) => readFile(join(embeddedModelDirectory(), name), 'utf8')
  const config = parseGemma3Config(JSON.parse(await text('config.json')))
  const tensors = decodeSafetensors(await readFile(join(embeddedModelDirectory(), 'model.safetensors')))
  const named = Array.from(tensors, ([name, tensor]) => [name.replace('.vision_model.', '.'), tensor] as const)
  return gemma3Ggufs(new Map(named), config, {
    matrices: (name) => (/^(v|mm)\./.test(name) ? 'F16' : 'F32'),
    swapFfn: true,
    change: (language) => {
      for (const [name, tensor] of Object.entries(language)) {
        if (tensor.shape.length > 1) language[name] = toQ8(tensor)
      }
    },
    keys: present({
      ...ggufVocabulary(await text('tokenizer.json')),
      'tokenizer.chat_template': ['string', await text('chat_template.jinja')],
      ...changes,
    }),
  })
}

function present(keys: Readonly<Record<string, WritableValue | undefined>>): Record<string, WritableValue> {
  const isPresent = (entry: [string, WritableValue | undefined]): entry is [string, WritableValue] =>
    entry[1] !== undefined
  return Object.fromEntries(Object.entries(keys).filter(isPresent))
}

/** Each number as a signed byte times the scale of its block, whose largest number is 127 times that. */
function toQ8({ shape, data }: WritableTensor): WritableTensor {
  const numbers = new Float32Array(Uint8Array.from(data).buffer)
  const blocks = new DataView(new ArrayBuffer((numbers.length / BLOCK) * BLOCK_BYTES))
  for (let at = 0; at < numbers.length; at += BLOCK) {
    const block = numbers.subarray(at, at + BLOCK)
    const scale = Math.max(...block.map(Math.abs)) / 127
    const offset = (at / BLOCK) * BLOCK_BYTES
    blocks.setFloat16(offset, scale, true)
    block.forEach((number, j) => {
      blocks.setInt8(offset + 2 + j, scale === 0 ? 0 : Math.round(number / scale))
    })
  }
  return { dtype: 'Q8_0', shape, data: new Uint8Array(blocks.buffer) }
}
