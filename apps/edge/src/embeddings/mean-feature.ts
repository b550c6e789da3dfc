import type { PictureFeatures } from '../worker/picture-features.ts'

/** The mean of the features of a picture, scaled to the length 1. @returns `[d]` */
export function meanFeature({ data, width }: PictureFeatures): Float32Array<ArrayBuffer> {
  const sum = new Float64Array(width)
  data.forEach((value, at) => {
    sum[at % width] = (sum[at % width] ?? 0) + value
  })
  const length = Math.sqrt(sum.reduce((all, value) => all + value * value, 0))
  return Float32Array.from(sum, (value) => (length === 0 ? 0 : value / length))
}
