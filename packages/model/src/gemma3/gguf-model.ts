import type { FileReader } from '../weights/checkpoint.ts'
import { elementsOf } from '../weights/dtype.ts'
import { type GgufFile, openGguf } from '../weights/gguf.ts'
import { readGgufTensor } from '../weights/gguf-tensor.ts'
import type { GgufTensor } from '../weights/gguf-types.ts'
import { bindTensors } from './bind-weights.ts'
import type { Gemma3Config } from './config.ts'
import type { GenerationConfig } from './generation-config.ts'
import { ggufConfig } from './gguf-config.ts'
import { ggufGeneration } from './gguf-generation.ts'
import { isStoredPlusOne, withCanonicalNames } from './gguf-names.ts'
import { checkGgufRole } from './gguf-role.ts'

/** A GGUF file and what reads it. */
export interface GgufSource<Files extends FileReader = FileReader> {
  /** What reads its folder. */
  readonly files: Files
  /** Its name, as `files` knows it. */
  readonly file: string
}

/** A weight of a GGUF model. */
export interface GgufWeight<Files extends FileReader = FileReader> extends GgufTensor {
  /** What reads the folder of its file. */
  readonly files: Files
  /** The file holds 1 + w: RMS norms, whose weight is zero-centred everywhere else. */
  readonly isStoredPlusOne: boolean
}

/** A Gemma 3 in GGUF: what `bindWeights` and the config files tell of one in Hugging Face layout. */
export interface GgufModel<Files extends FileReader = FileReader> {
  /** As the metadata of both files give it. */
  readonly config: Gemma3Config
  /** As the file says, or as the released models do; the end tokens are those of the config. */
  readonly generation: GenerationConfig
  /** Every weight of the model by its canonical name. */
  readonly weights: ReadonlyMap<string, GgufWeight<Files>>
}

/**
 * Opens a Gemma 3 language model in GGUF, and its vision tower and projector if it has them. Reads headers only.
 *
 * @param language - of architecture `gemma3`
 * @param vision - of architecture `clip` with the projector `gemma3`, called mmproj. Without one the model is text-only.
 * @throws AppError `weights.invalid` for a file that is broken, or whose tensors are not those of the config, naming
 *   every one; `config.invalid` naming every key at fault
 */
export async function openGgufModel<Files extends FileReader>(
  language: GgufSource<Files>,
  vision?: GgufSource<Files>,
): Promise<GgufModel<Files>> {
  const languageFile = await openGguf(language.files, language.file)
  checkGgufRole(languageFile, 'language')
  const visionFile = vision && (await openGguf(vision.files, vision.file))
  if (visionFile) checkGgufRole(visionFile, 'vision')
  const config = ggufConfig(languageFile, visionFile)
  const named = namedWeights(language.files, languageFile)
  if (vision && visionFile) named.push(...namedWeights(vision.files, visionFile))
  const weights = bindTensors(named, config, { types: 'any type', isFit: () => true })
  return { config, generation: ggufGeneration(languageFile, config), weights }
}

function namedWeights<Files extends FileReader>(
  files: Files,
  { tensors }: GgufFile,
): (readonly [string, GgufWeight<Files>])[] {
  return withCanonicalNames(tensors).map(([canonical, tensor]) => {
    return [canonical, { ...tensor, files, isStoredPlusOne: isStoredPlusOne(tensor.name) }] as const
  })
}

/**
 * Reads rows of a weight as float32, in pieces of at most 1 MiB: what a checkpoint in Hugging Face layout holds, save for
 * what quantisation took away. The sum 1 + w was rounded when the file was made, so w comes back to 2^-24 or so.
 *
 * @param rows - of the first axis; all by default
 * @returns the numbers of these rows, `[r · the sizes after the first]`, piece by piece
 * @throws AppError `weights.invalid` if the rows are not inside of the weight
 */
export async function* readGgufWeight(
  weight: GgufWeight,
  rows?: { readonly start: number; readonly end: number },
): AsyncGenerator<Float32Array<ArrayBuffer>, void, void> {
  const rowSize = elementsOf(weight.shape.slice(1))
  const range = rows && { start: rows.start * rowSize, end: rows.end * rowSize }
  for await (const piece of readGgufTensor(weight.files, weight, range)) {
    yield weight.isStoredPlusOne ? piece.map((value) => value - 1) : piece
  }
}
