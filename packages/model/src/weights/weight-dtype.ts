/** How weights can be held in memory: as floats, or as whole numbers of few bits with a scale for each block. */
export const WEIGHT_DTYPES = ['f32', 'bf16', 'f16', 'int8', 'int4'] as const

/** A choice of {@link WEIGHT_DTYPES}. */
export type WeightDType = (typeof WEIGHT_DTYPES)[number]

/** True for a name of {@link WEIGHT_DTYPES}. */
export function isWeightDType(name: string): name is WeightDType {
  return (WEIGHT_DTYPES as readonly string[]).includes(name)
}
