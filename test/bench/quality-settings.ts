import type { LoadModelOptions, ModelPart } from '@loupe/model/node'

/** A way to hold the weights of one part and to multiply by them. */
export interface QualitySetting {
  /** Of the language model, with the reference's vision tower; or the other way round; or of both. */
  readonly part: ModelPart | 'both'
  /** A dtype, or `stored` for the blocks of a GGUF. */
  readonly dtype: string
  readonly activations: 'int8' | 'float32'
  readonly load: Pick<LoadModelOptions, 'dtype' | 'activations'>
}

/** Everything in float32. */
export const REFERENCE: QualitySetting['load'] = { dtype: { language: 'f32', vision: 'f32' } }

const DTYPES = ['bf16', 'f16', 'int8', 'int4'] as const

/** What is compared with the reference. @param isGguf - whether the weights are blocks already */
export function qualitySettings(isGguf: boolean): readonly QualitySetting[] {
  const parts = ['language', 'vision'] as const
  const stored = isGguf ? parts.flatMap((part) => inBlocks(part, undefined)) : []
  const rewritten = parts.flatMap((part) =>
    DTYPES.flatMap((dtype) => (isWide(dtype) ? inFloats(part, dtype) : inBlocks(part, dtype))),
  )
  const all = [...stored, ...rewritten, both('int8'), both('int4')]
  // No block of a GGUF has more than 8 bits, so that int8 is what is stored.
  return all.filter(({ part, dtype }) => !isGguf || part !== 'language' || dtype !== 'int8')
}

type DType = (typeof DTYPES)[number]

const isWide = (dtype: DType) => dtype === 'bf16' || dtype === 'f16'

function inFloats(part: ModelPart, dtype: DType): QualitySetting[] {
  return [{ part, dtype, activations: 'float32', load: { dtype: { ...REFERENCE.dtype, [part]: dtype } } }]
}

function inBlocks(part: ModelPart, dtype: DType | undefined): QualitySetting[] {
  const rest = part === 'language' ? ({ vision: 'f32' } as const) : ({ language: 'f32' } as const)
  const held = { ...rest, ...(dtype && { [part]: dtype }) }
  return (['int8', 'float32'] as const).map((activations) => ({
    part,
    dtype: dtype ?? 'stored',
    activations,
    load: { dtype: held, activations },
  }))
}

function both(dtype: DType): QualitySetting {
  return { part: 'both', dtype, activations: 'int8', load: { dtype: { language: dtype, vision: dtype } } }
}
