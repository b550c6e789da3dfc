declare const AXES: unique symbol

/**
 * Float32 numbers in host memory, row-major, whose type says what they are laid out as: a `Floats<'b t d'>` is not taken
 * where a `Floats<'b t v'>` is asked for. Any plain `Float32Array` is. The letters are those of the package's README.
 */
export type Floats<Axes extends string> = Float32Array & {
  /** Exists in the type only. */
  readonly [AXES]?: Axes
}
