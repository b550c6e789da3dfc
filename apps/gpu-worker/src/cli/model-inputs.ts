import { readFile } from 'node:fs/promises'
import { decodeSafetensors, type Gemma3Config, type StoredTensor, type VisionConfig } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'

/** A batch for `loupe forward` and `loupe generate`, as `in.safetensors` holds it. */
export interface ModelInputs {
  /** b */
  readonly rows: number
  /** t */
  readonly tokens: number
  /** `[b·t]` */
  readonly inputIds: Int32Array
  /** `[b·t]`; all 1 when the file has none */
  readonly attentionMask: Int32Array
  /** Patch bytes of every picture, row by row, left to right. */
  readonly patches: readonly Uint8Array[]
  /** `[b·t]` */
  readonly labels?: Int32Array
  /** `[b·t]` */
  readonly lossMask?: Float32Array
}

/** Tensor names of the file and the type of each. */
const DTYPES = {
  input_ids: 'I32',
  attention_mask: 'I32',
  images_u8: 'U8',
  labels: 'I32',
  loss_mask: 'F32',
} as const

type InputName = keyof typeof DTYPES

/**
 * Reads a safetensors file of inputs: `input_ids` `[b,t]`, and optionally `attention_mask`, `labels`, `loss_mask` of the
 * same shape and `images_u8` `[n,S,S,3]`, S being the config's image size.
 *
 * @throws AppError `tensor.invalid` naming the tensor, what was expected and what was found; `usage.invalid` if there is
 *   no such file
 */
export async function readModelInputs(path: string, config: Gemma3Config): Promise<ModelInputs> {
  const bytes = await readFile(path).catch((cause) => {
    throw new AppError('usage.invalid', `--inputs: ${path} cannot be read.`, { cause })
  })
  const file = decodeSafetensors(bytes, path)
  for (const name of file.keys()) {
    if (!Object.hasOwn(DTYPES, name)) throw invalid(name, Object.keys(DTYPES).join(', '), name)
  }

  const ids = find(file, 'input_ids')
  if (ids === undefined) throw invalid('input_ids', 'a tensor of this name', 'none')
  const [rows = 0, tokens = 0, ...more] = ids.shape
  if (rows * tokens === 0 || more.length > 0) throw invalid('input_ids', '[b, t]', shapeText(ids.shape))
  const sameShape = (name: InputName) => find(file, name, [rows, tokens])

  const mask = sameShape('attention_mask')
  const labels = sameShape('labels')
  const lossMask = sameShape('loss_mask')
  return {
    rows,
    tokens,
    inputIds: new Int32Array(copy(ids)),
    attentionMask: mask === undefined ? new Int32Array(rows * tokens).fill(1) : new Int32Array(copy(mask)),
    patches: readPictures(file, config.vision),
    ...(labels === undefined ? {} : { labels: new Int32Array(copy(labels)) }),
    ...(lossMask === undefined ? {} : { lossMask: new Float32Array(copy(lossMask)) }),
  }
}

function readPictures(file: ReadonlyMap<string, StoredTensor>, vision: VisionConfig | undefined): Uint8Array[] {
  const [count = 0] = file.get('images_u8')?.shape ?? []
  const side = vision?.imageSize ?? 0
  const pictures = find(file, 'images_u8', [count, side, side, vision?.channels ?? 3])
  if (pictures === undefined || vision === undefined) return []
  const size = pictures.data.byteLength / count
  return Array.from({ length: count }, (_, n) => cutPatches(pictures.data.subarray(n * size, (n + 1) * size), vision))
}

/** Patches row by row, and inside a patch rows, columns, channels. @param pixels - `[S, S, channel]` */
function cutPatches(pixels: Uint8Array, { imageSize, patchSize, channels }: VisionConfig): Uint8Array {
  const out = new Uint8Array(pixels.byteLength)
  const run = patchSize * channels
  let at = 0
  for (let top = 0; top < imageSize; top += patchSize) {
    for (let left = 0; left < imageSize; left += patchSize) {
      for (let y = top; y < top + patchSize; y++, at += run) {
        const start = (y * imageSize + left) * channels
        out.set(pixels.subarray(start, start + run), at)
      }
    }
  }
  return out
}

/** A tensor of the file, its type and shape checked; `undefined` when the file has none of this name. */
function find(file: ReadonlyMap<string, StoredTensor>, name: InputName, shape?: readonly number[]) {
  const tensor = file.get(name)
  if (tensor === undefined) return undefined
  if (tensor.dtype !== DTYPES[name]) throw invalid(name, DTYPES[name], tensor.dtype)
  if (shape !== undefined && tensor.shape.join() !== shape.join()) {
    throw invalid(name, shapeText(shape), shapeText(tensor.shape))
  }
  return tensor
}

/** The bytes in a buffer of their own: inside the file they are not aligned. */
function copy(tensor: StoredTensor): ArrayBuffer {
  return Uint8Array.from(tensor.data).buffer
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}

function invalid(name: string, expected: string, found: string): AppError {
  return new AppError('tensor.invalid', `${name}: expected ${expected}, found ${found}.`)
}
