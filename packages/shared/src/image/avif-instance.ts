import type { Size } from './orientation.ts'
import { type CodecExports, forbidden } from './wasm-codec.ts'
import { instantiate, type WasmImports, type WasmMemory, type WasmModule } from './wasm-module.ts'

/** Takes a decoded picture: RGBA, at an address that is valid for the time of the call. */
type TakePixels = (pixels: number, size: Size) => void

/** The decoder as it is used here. */
export interface AvifExports extends CodecExports {
  /** Bytes that its memory may grow to. */
  memoryLimit: number
  /** Whether it has asked for more than that. */
  readonly isFull: boolean
  /**
   * @param text - address of a C++ string that holds the file
   * @param bits - of a sample of the result
   * @param take - called once, or never if the file does not decode
   */
  decode(text: number, bits: number, take: TakePixels): void
}

/** The exports of `@jsquash/avif`, whose names its build has shortened. */
interface RawExports {
  readonly F: WasmMemory
  /** Runs the constructors. */
  G(): void
  /** `malloc`, `free` */
  I(byteLength: number): number
  J(pointer: number): void
  readonly K: { get(index: number): (...args: readonly number[]) => number }
  /** `setThrew` */
  L(threw: number, value: number): void
  /** Sets and tells the top of the stack. */
  M(pointer: number): void
  N(): number
}

const PAGE_BYTES = 65_536
const INITIAL_LIMIT = 32 * 1024 * 1024
/** A handle of a JavaScript value. Nobody looks behind it. */
const SOME_VALUE = 10
const NULL_VALUE = 4
/** Error numbers of WASI. */
const NOT_SUPPORTED = 52
const NOT_SEEKABLE = 70

/**
 * An instance of the AVIF decoder of Squoosh, driven without its own JavaScript, which reads files, makes `ImageData` and
 * lets memory grow to 2 GB.
 *
 * The module is C++ behind emscripten's `embind`: it registers one function, `decode(file, bits)`, and hands its result over
 * by calling two constructors, `Uint8ClampedArray(view)` and `ImageData(array, width, height)`. So few of its imports matter
 * that they are written out here.
 *
 * @param module - `@jsquash/avif/codec/dec/avif_dec.wasm`, compiled
 */
export function avifInstance(module: WasmModule): AvifExports {
  const found: Found = {
    exports: undefined,
    invoker: 0,
    target: 0,
    argumentCounts: [],
    pixels: 0,
    take: undefined,
    limit: INITIAL_LIMIT,
    isFull: false,
  }
  const raw = instantiate<RawExports>(module, { a: { ...bindings(found), ...system(found) } })
  found.exports = raw
  raw.G()
  return {
    memory: raw.F,
    malloc: (byteLength) => raw.I(byteLength),
    free: (pointer) => raw.J(pointer),
    get memoryLimit() {
      return found.limit
    },
    set memoryLimit(bytes) {
      found.limit = bytes
    },
    get isFull() {
      return found.isFull
    },
    decode(text, bits, take) {
      found.take = take
      raw.K.get(found.invoker)(found.target, text, bits)
      found.take = undefined
    },
  }
}

/** What the module has told about itself, and what it is doing. */
interface Found {
  exports: RawExports | undefined
  /** Entries of the function table: who takes the arguments of `decode`, and `decode`. */
  invoker: number
  target: number
  /** Of each kind of call into JavaScript. */
  readonly argumentCounts: number[]
  /** Of the view that was wrapped last. */
  pixels: number
  take: TakePixels | undefined
  limit: number
  isFull: boolean
}

type Imports = WasmImports[string]

const ignored = () => 0

function memoryOf({ exports }: Found): DataView {
  return new DataView(exports?.F.buffer ?? new ArrayBuffer(0))
}

/** The imports of `embind`. */
function bindings(found: Found): Imports {
  const registrations = Object.fromEntries([...'pmlicbjgo'].map((name) => [name, ignored]))
  /** Arguments lie 8 bytes apart. A view is its length and its address. */
  const call = (caller = 0, args = 0): number => {
    const memory = memoryOf(found)
    if (found.argumentCounts[caller] === 1) {
      found.pixels = memory.getUint32(args + 4, true)
      return SOME_VALUE
    }
    const size = { width: memory.getInt32(args + 8, true), height: memory.getInt32(args + 16, true) }
    found.take?.(found.pixels, size)
    return NULL_VALUE
  }
  return {
    ...registrations,
    x(_name, _count, _types, _signature, invoker = 0, target = 0) {
      found.invoker = invoker
      found.target = target
      return 0
    },
    /** A way to call with a number of types, the result's among them. */
    e: (types = 1) => found.argumentCounts.push(types - 1) - 1,
    f: (caller, _constructor, _destructors, args) => call(caller, args),
    E: () => SOME_VALUE,
    D: ignored,
    C: ignored,
    A: forbidden('emval_new_cstring'),
    B: forbidden('emval_call_method'),
    h: forbidden('emval_set_property'),
    z: forbidden('emval_take_value'),
  }
}

/** The imports of the C library. */
function system(found: Found): Imports {
  /** Calls a function of the table from which `longjmp` may throw: to the callers of C it has then returned. */
  const invoke = (index = 0, ...args: number[]): number => {
    const { exports } = found
    if (exports === undefined) return 0
    const stack = exports.N()
    try {
      return exports.K.get(index)(...args)
    } catch (thrown) {
      exports.M(stack)
      if (!(thrown instanceof LongJump)) throw thrown
      exports.L(1, 0)
      return 0
    }
  }
  return {
    ...Object.fromEntries([...'drstkq'].map((name) => [name, invoke])),
    u() {
      throw new LongJump()
    },
    a: forbidden('abort'),
    v: (requested = 0) => grow(found, requested >>> 0),
    w: () => NOT_SUPPORTED,
    n: () => NOT_SEEKABLE,
    y: (_file, vectors, count, written) => discard(memoryOf(found), { vectors, count, written }),
  }
}

class LongJump extends Error {}

/** @returns 1, or 0 where the memory would pass its limit: the decoder then reports that it has none left */
function grow(found: Found, requested: number): number {
  const { exports, limit } = found
  if (exports === undefined || requested > limit) {
    found.isFull = true
    return 0
  }
  exports.F.grow(Math.ceil((requested - exports.F.buffer.byteLength) / PAGE_BYTES))
  return 1
}

/** Takes what would be printed, and says that all of it was. */
function discard(
  memory: DataView,
  { vectors = 0, count = 0, written = 0 }: { vectors?: number; count?: number; written?: number },
): number {
  let length = 0
  for (let i = 0; i < count; i++) length += memory.getUint32(vectors + 8 * i + 4, true)
  memory.setUint32(written, length, true)
  return 0
}
