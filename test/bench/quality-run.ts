import type { Gemma3VLModel } from '@loupe/model'
import { type LoadModelOptions, loadGemma3VL } from '@loupe/model/node'
import { type Agreement, AgreementTally } from './quality-agreement.ts'
import { type QualitySetting, REFERENCE } from './quality-settings.ts'

/** Sequences that share their pictures, and the tokens of each whose logits count. */
export interface QualitySample {
  /** `[4096·588]` each, or what the model's own geometry asks for. */
  readonly pictures: readonly Uint8Array[]
  readonly sequences: readonly QualitySequence[]
}

/** A batch of sequences, each with all the pictures of its sample. */
export interface QualitySequence {
  /** b; 1 by default */
  readonly rows?: number
  /** `[b·t]` */
  readonly inputIds: Int32Array
  /** `[b·t]` */
  readonly attentionMask?: Int32Array
  /** `[r]` places in `inputIds` */
  readonly scored: readonly number[]
  /** `[r]` what really follows each, where that is known */
  readonly targets?: readonly number[]
  /** Whether the targets are an answer, right or wrong as a whole. */
  readonly isAnswer?: boolean
}

/** A checkpoint and what to ask it. */
export interface QualityCase {
  readonly path: string
  /** The same every time it is called. */
  samples(): AsyncIterable<QualitySample>
}

/** What a model said of a sample. */
interface Said {
  /** `[m·d]` of each picture */
  readonly features: readonly Float32Array[]
  /** `[r·v]` of each sequence */
  readonly logits: readonly Float32Array[]
}

/** Options of {@link measureQuality}. */
export interface QualityOptions {
  readonly settings: readonly QualitySetting[]
  readonly load: Omit<LoadModelOptions, keyof QualitySetting['load'] | 'stage'>
  /** Whether to run the language model too, and not only the vision tower. */
  readonly hasLanguage: boolean
}

/** How a setting did; without one it is the reference, compared with itself. */
export interface QualityResult {
  readonly setting: QualitySetting | undefined
  readonly agreement: Agreement
}

/** Compares each setting with float32, over all cases together. One model is in memory at a time. */
export async function* measureQuality(
  cases: readonly QualityCase[],
  options: QualityOptions,
): AsyncGenerator<QualityResult, void, void> {
  const expected = new Map<QualityCase, readonly Said[]>()
  const itself = new AgreementTally()
  for (const place of cases) {
    using model = await loadGemma3VL(place.path, { ...options.load, ...REFERENCE })
    const answers: Said[] = []
    for await (const sample of place.samples()) {
      const said = await ask(model, sample, options)
      compare(itself, { sample, said, expected: said, featureSize: 0 })
      answers.push(said)
    }
    expected.set(place, answers)
  }
  yield { setting: undefined, agreement: itself.result }
  for (const setting of options.settings) {
    const tally = new AgreementTally()
    for (const place of cases) await runSetting(place, { setting, options, tally, expected: expected.get(place) ?? [] })
    const agreement = tally.result
    if (agreement.tokens > 0 || agreement.features !== undefined) yield { setting, agreement }
  }
}

interface SettingRun {
  readonly setting: QualitySetting
  readonly options: QualityOptions
  readonly tally: AgreementTally
  /** Of the reference, sample by sample. */
  readonly expected: readonly Said[]
}

async function runSetting(place: QualityCase, { setting, options, tally, expected }: SettingRun): Promise<void> {
  using model = await loadGemma3VL(place.path, { ...options.load, ...setting.load })
  // Nothing of a text model changes with the type of a vision tower.
  if (model.config.vision === undefined && setting.part !== 'language') return
  let index = 0
  for await (const sample of place.samples()) {
    const reference = expected[index++]
    if (reference === undefined || (sample.pictures.length === 0 && setting.part === 'vision')) continue
    const isSameVision = setting.part === 'language'
    const said = await ask(model, sample, options, isSameVision ? reference.features : undefined)
    compare(tally, { sample, said, expected: reference, featureSize: isSameVision ? 0 : model.config.text.hiddenSize })
  }
}

/** @param known - image features, where they are not to be computed */
async function ask(
  model: Gemma3VLModel,
  { pictures, sequences }: QualitySample,
  { hasLanguage, load: { signal } }: QualityOptions,
  known?: readonly Float32Array[],
): Promise<Said> {
  const cancel = signal === undefined ? {} : { signal }
  const imageFeatures = known === undefined ? [] : [...known]
  if (known === undefined) {
    for (const picture of pictures) imageFeatures.push(await model.getImageFeatures(picture, cancel))
  }
  const logits: Float32Array[] = []
  for (const { rows = 1, inputIds, attentionMask, scored } of hasLanguage ? sequences : []) {
    const request = { rows, inputIds, ...(attentionMask && { attentionMask }), imageFeatures, ...cancel }
    logits.push(pickRows((await model.forward(request)).logits, inputIds.length, scored))
  }
  return { features: imageFeatures, logits }
}

function pickRows(logits: Float32Array, rows: number, picked: readonly number[]): Float32Array {
  const width = logits.length / rows
  const out = new Float32Array(picked.length * width)
  for (const [place, row] of picked.entries()) out.set(logits.subarray(row * width, (row + 1) * width), place * width)
  return out
}

interface Compared {
  readonly sample: QualitySample
  readonly said: Said
  readonly expected: Said
  /** Numbers of one image feature; 0 where they were not computed. */
  readonly featureSize: number
}

function compare(tally: AgreementTally, { sample, said, expected, featureSize }: Compared): void {
  for (const [index, { scored, targets, isAnswer }] of sample.sequences.entries()) {
    const [found, reference] = [said.logits[index], expected.logits[index]]
    if (found === undefined || reference === undefined) continue
    tally.addLogits({ reference, found, tokens: scored.length, targets, isAnswer })
  }
  if (featureSize === 0) return
  for (const [index, found] of said.features.entries()) {
    tally.addFeatures(expected.features[index] ?? new Float32Array(), found, featureSize)
  }
}
