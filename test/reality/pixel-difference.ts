/** How far two pictures of one size are apart, in levels of 255. */
export interface PixelDifference {
  readonly most: number
  readonly mean: number
}

/** Compares bytes; pictures of unlike length are as far apart as can be. */
export function pixelDifference(one: Uint8Array, two: Uint8Array): PixelDifference {
  if (one.length !== two.length) return { most: 255, mean: 255 }
  let most = 0
  let sum = 0
  for (let at = 0; at < one.length; at++) {
    const apart = Math.abs((one[at] ?? 0) - (two[at] ?? 0))
    sum += apart
    if (apart > most) most = apart
  }
  return { most, mean: sum / one.length }
}

/** As a cell of a table. */
export function shownDifference({ most, mean }: PixelDifference): string {
  return most === 0 ? 'equal' : `${most} / ${mean < 0.01 ? mean.toPrecision(1) : mean.toFixed(2)}`
}
