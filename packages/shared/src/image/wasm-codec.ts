import { AppError } from '../errors/index.ts'
import { malformed, tooLarge } from './limits.ts'
import { isTrap, type WasmMemory } from './wasm-module.ts'

/** What every C codec exports. */
export interface CodecExports {
  readonly memory: WasmMemory
  malloc(byteLength: number): number
  free(pointer: number): void
}

/** A live instance, for the time of one decode. */
export interface CodecSession<E extends CodecExports> {
  readonly exports: E
  /** A view of memory, valid until the codec allocates again. */
  view(pointer: number, byteLength: number): Uint8Array
  /** Memory for this decode, freed at its end. @throws AppError `image.too_large` if there is none */
  allocate(byteLength: number): number
  /** The same, holding a copy of `bytes`. */
  copyIn(bytes: Uint8Array): number
  /** Frees `pointer`, which the codec allocated, at the end of this decode. */
  adopt(pointer: number): number
}

/**
 * Memory that a codec may keep while it has nothing to do. What all codecs keep must fit an isolate beside a decode and
 * beside the patches of a request. A picture of 2 megapixels leaves less, one of 12 leaves 37 MB.
 */
const IDLE_BYTES = 16 * 1024 * 1024

/** A codec whose instance is kept from one picture to the next. */
export interface WasmCodec<E extends CodecExports> {
  /** Decodes are synchronous, so one instance serves all requests of an isolate without a queue. */
  run<T>(decode: (session: CodecSession<E>) => T): T
  /** Bytes of linear memory held now. */
  readonly heldBytes: number
  /** Drops an instance that holds more than `bytes`, and with it the memory, which never shrinks. */
  trim(bytes?: number): void
}

/**
 * One instance, made when first needed and replaced after a trap.
 *
 * Reuse matters, for a run of large pictures most of all: a dead memory waits for the garbage collector while the next
 * one is made. Replacement matters as much: a decoder that was thrown out of (`longjmp` surfaces as an exception) leaves
 * its C stack and heap undefined.
 *
 * @param name - of the format, as it reads in a sentence: `a JPEG`
 * @param create - makes an instance with its own memory
 */
export function wasmCodec<E extends CodecExports>(name: string, create: () => E): WasmCodec<E> {
  let instance: E | undefined
  const heldBytes = () => instance?.memory.buffer.byteLength ?? 0
  return {
    run(decode) {
      instance ??= create()
      const { session, release } = openSession(instance)
      try {
        const result = decode(session)
        release()
        return result
      } catch (thrown) {
        // Our own errors are thrown between calls, when the instance is sound.
        if (AppError.isInstance(thrown)) release()
        else instance = undefined
        throw isCodecFault(thrown) ? malformed(`Expected ${name} that decodes, found damaged data.`, thrown) : thrown
      }
    },
    get heldBytes() {
      return heldBytes()
    },
    trim(bytes = IDLE_BYTES) {
      if (heldBytes() > bytes) instance = undefined
    },
  }
}

function openSession<E extends CodecExports>(exports: E): { session: CodecSession<E>; release: () => void } {
  const owned: number[] = []
  const session: CodecSession<E> = {
    exports,
    view: (pointer, byteLength) => new Uint8Array(exports.memory.buffer, pointer, byteLength),
    allocate(byteLength) {
      const pointer = exports.malloc(byteLength)
      if (pointer === 0) throw tooLarge('a picture that fits the memory of the decoder', `${byteLength} bytes more`)
      return session.adopt(pointer)
    },
    copyIn(bytes) {
      const pointer = session.allocate(bytes.byteLength)
      session.view(pointer, bytes.byteLength).set(bytes)
      return pointer
    },
    adopt(pointer) {
      owned.push(pointer)
      return pointer
    },
  }
  const release = () => {
    for (const pointer of owned) exports.free(pointer)
  }
  return { session, release }
}

/** Thrown by an import that a codec calls when it can go no further. */
class CodecFault extends Error {}

/** An import that a sound decode never calls: an error's way out, or a system call. */
export function forbidden(name: string): () => number {
  return () => {
    throw new CodecFault(`the codec called ${name}`)
  }
}

function isCodecFault(thrown: unknown): boolean {
  return thrown instanceof CodecFault || isTrap(thrown)
}
