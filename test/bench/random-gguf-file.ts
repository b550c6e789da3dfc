import { type FileHandle, open, rename } from 'node:fs/promises'
import { expectedTensors, type Gemma3Config, GGUF_TYPES, type GgufDType, parseGemma3Config } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { languageKeys, languageName } from '../support/gemma3-gguf.ts'
import { ggufVocabulary } from '../support/gguf-vocabulary.ts'
import { GgufBytes } from '../support/gguf-writer.ts'
import { PUBLISHED_CONFIGS } from './published-sizes.ts'
import { Q4_0, Q8_0, quantise } from './random-gguf-blocks.ts'
import { fillRandom, keyOf, type RandomTensor, spreadOf } from './random-weights.ts'

/** What to write. */
export interface RandomGguf {
  /** A key of {@link PUBLISHED_CONFIGS}. */
  readonly size: string
  readonly path: string
  readonly seed: number
  /** The vocabulary; rows of the embedding table that it lacks are filled up with unused tokens. */
  readonly tokenizerJson: string
  readonly signal: AbortSignal
  /** Called behind each tensor. */
  readonly onTensor: (name: string, doneBytes: number) => void
}

interface Tensor extends RandomTensor {
  /** In the file. */
  readonly name: string
  readonly shape: readonly number[]
  readonly type: GgufDType
  /** RMS norms are stored as what they multiply by, 1 + w. */
  readonly plus: 0 | 1
  readonly bytes: number
}

const ALIGNMENT = 32
/** Whole blocks, and an even number. */
const PIECE_ELEMENTS = 4 * 1024 * 1024

/**
 * Writes the language model of a published size with distinct random weights, a piece at a time: under another name
 * first, so that a file that is there is whole.
 *
 * @throws AppError `usage.invalid` for an unknown size; `request.cancelled`
 */
export async function writeRandomGguf(gguf: RandomGguf): Promise<void> {
  const json = PUBLISHED_CONFIGS[gguf.size]
  if (json === undefined) throw new AppError('usage.invalid', `There is no size ${gguf.size}.`)
  const config = parseGemma3Config(json)
  const tensors = tensorsOf(config, gguf.seed)
  const partial = `${gguf.path}.partial`
  const file = await open(partial, 'w')
  try {
    const header = headerOf(config, tensors, gguf.tokenizerJson)
    await file.write(header)
    let position = header.byteLength
    for (const tensor of tensors) {
      await writeTensor(file, tensor, position, gguf.signal)
      position += padded(tensor.bytes)
      gguf.onTensor(tensor.name, position)
    }
    // The last tensor is padded too.
    await file.truncate(position)
  } finally {
    await file.close()
  }
  await rename(partial, gguf.path)
}

function tensorsOf(config: Gemma3Config, seed: number): Tensor[] {
  const language = [...expectedTensors(config)].filter(([name]) => name.startsWith('language_model.'))
  return language.map(([canonical, shape]) => {
    const elements = shape.reduce((product, size) => product * size, 1)
    const type = shape.length === 1 ? 'F32' : canonical.includes('embed_tokens') ? 'Q8_0' : 'Q4_0'
    const { blockSize, blockBytes } = GGUF_TYPES[type]
    return {
      name: languageName(canonical.replace('language_model.', 'language_model.model.')),
      shape,
      type,
      elements,
      dtype: 'F32',
      spread: spreadOf(canonical, shape),
      key: keyOf(seed, canonical),
      plus: type === 'F32' ? 1 : 0,
      bytes: (elements / blockSize) * blockBytes,
    }
  })
}

function headerOf(config: Gemma3Config, tensors: readonly Tensor[], tokenizerJson: string): Uint8Array {
  const metadata = { ...languageKeys(config), ...ggufVocabulary(tokenizerJson, { rows: config.text.vocabSize }) }
  const header = new GgufBytes().raw(new TextEncoder().encode('GGUF')).uint32(3)
  header.uint64(tensors.length).uint64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) header.string(key).value(value)
  let offset = 0
  for (const { name, shape, type, bytes } of tensors) {
    header.string(name).uint32(shape.length)
    for (const size of shape.toReversed()) header.uint64(size)
    header.uint32(GGUF_TYPES[type].id).uint64(offset)
    offset += padded(bytes)
  }
  return header.pad(ALIGNMENT).toUint8Array()
}

async function writeTensor(file: FileHandle, tensor: Tensor, start: number, signal: AbortSignal): Promise<void> {
  let position = start
  for (let from = 0; from < tensor.elements; from += PIECE_ELEMENTS) {
    signal.throwIfAborted()
    const numbers = new Float32Array(Math.min(PIECE_ELEMENTS, tensor.elements - from))
    fillRandom(numbers, tensor, from)
    const bytes = stored(numbers, tensor)
    await file.write(bytes, 0, bytes.byteLength, position)
    position += bytes.byteLength
  }
}

function stored(numbers: Float32Array<ArrayBuffer>, { type, plus }: Tensor): Uint8Array {
  if (type === 'Q4_0') return quantise(numbers, Q4_0)
  if (type === 'Q8_0') return quantise(numbers, Q8_0)
  return new Uint8Array(numbers.map((number) => number + plus).buffer)
}

function padded(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
}
