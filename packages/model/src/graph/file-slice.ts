/** Bytes of a file that hold a tensor. */
export interface FileSlice {
  /** Name of the file inside the weights folder. */
  readonly file: string
  /** First byte, counted from the start of the file. */
  readonly offset: number
  /** How many bytes. */
  readonly bytes: number
}
