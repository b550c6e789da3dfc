import type { StoredDType } from './dtype.ts'

/** Where a tensor lies on disk. Nothing of it has been read. */
export interface TensorLocation {
  readonly name: string
  readonly dtype: StoredDType
  /** Row-major. */
  readonly shape: readonly number[]
  /** Name of the file inside the checkpoint's directory. */
  readonly file: string
  /** First byte, counted from the start of the file. */
  readonly offset: number
  readonly bytes: number
}

/** Every tensor of a checkpoint, over one file or many. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, TensorLocation>
}

/** Reads the files of one directory. Names are plain file names; a path that leaves the directory is refused. */
export interface FileReader {
  /** @returns the file's length in bytes, or `undefined` if there is no such file */
  size(name: string): Promise<number | undefined>
  /** @returns exactly `length` bytes from `offset` on */
  read(name: string, offset: number, length: number): Promise<Uint8Array>
}
