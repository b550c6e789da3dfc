/** Checked by the compiler alone: each line below an `@ts-expect-error` must not compile. */
import type { Floats } from './floats.ts'

declare const plain: Float32Array
declare const hidden: Floats<'b t d'>

export const named: Floats<'b t d'> = plain
export const forgotten: Float32Array = hidden

// @ts-expect-error other axes
export const logits: Floats<'b t v'> = hidden
