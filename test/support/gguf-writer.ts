import { GGUF_TYPES, type GgufDType } from '@loupe/model'

type ValueType = (typeof VALUE_TYPES)[number]

/** A value of the metadata with the type to write it as. */
export type WritableValue =
  | readonly ['uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64', number]
  | readonly ['uint64' | 'int64', bigint]
  | readonly ['bool', boolean]
  | readonly ['string', string]
  /** Of lists: their items are `[type, items]` again. */
  | readonly ['array', ValueType, readonly unknown[]]

/** A tensor to write. */
export interface WritableTensor {
  readonly dtype: GgufDType
  /** Row-major. */
  readonly shape: readonly number[]
  readonly data: Uint8Array
}

/** What goes into a file. */
export interface GgufContent {
  readonly version?: number
  readonly metadata?: Readonly<Record<string, WritableValue>>
  readonly tensors?: Readonly<Record<string, WritableTensor>>
}

const VALUE_TYPES = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
] as const

/** Bytes being appended, little-endian. */
export class GgufBytes {
  #bytes = new Uint8Array(256)
  #length = 0

  raw(bytes: ArrayLike<number>): this {
    if (this.#length + bytes.length > this.#bytes.length) {
      const grown = new Uint8Array(2 * (this.#length + bytes.length))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  uint32(value: number): this {
    return this.#number(4, (view) => view.setUint32(0, value, true))
  }

  uint64(value: bigint | number): this {
    return this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true))
  }

  string(text: string): this {
    const bytes = new TextEncoder().encode(text)
    return this.uint64(bytes.length).raw(bytes)
  }

  pad(alignment: number): this {
    return this.raw(new Uint8Array(-this.#length & (alignment - 1)))
  }

  value(value: WritableValue): this {
    this.uint32(VALUE_TYPES.indexOf(value[0]))
    return value[0] === 'array' ? this.#array(value[1], value[2]) : this.#item(value[0], value[1])
  }

  toUint8Array(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #array(type: ValueType, items: readonly unknown[]): this {
    this.uint32(VALUE_TYPES.indexOf(type)).uint64(items.length)
    for (const item of items) this.#item(type, item)
    return this
  }

  #item(type: ValueType, item: unknown): this {
    const value = Number(item)
    switch (type) {
      case 'array': {
        const [inner, items] = item as [ValueType, unknown[]]
        return this.#array(inner, items)
      }
      case 'string':
        return this.string(String(item))
      case 'bool':
      case 'uint8':
      case 'int8':
        return this.raw([value & 0xff])
      case 'uint16':
      case 'int16':
        return this.raw([value & 0xff, (value >> 8) & 0xff])
      case 'uint32':
      case 'int32':
        return this.uint32(value >>> 0)
      case 'uint64':
      case 'int64':
        return this.uint64(BigInt.asUintN(64, BigInt(String(item))))
      case 'float32':
        return this.#number(4, (view) => view.setFloat32(0, value, true))
      case 'float64':
        return this.#number(8, (view) => view.setFloat64(0, value, true))
    }
  }

  #number(bytes: number, set: (view: DataView) => void): this {
    const view = new DataView(new ArrayBuffer(bytes))
    set(view)
    return this.raw(new Uint8Array(view.buffer))
  }
}

/** Writes a GGUF file, padded as llama.cpp pads it. */
export function encodeGguf({ version = 3, metadata = {}, tensors = {} }: GgufContent): Uint8Array<ArrayBuffer> {
  const { 'general.alignment': [, align] = ['uint32', 32] } = metadata
  const alignment = Number(align)
  const header = new GgufBytes().raw(new TextEncoder().encode('GGUF')).uint32(version)
  header.uint64(Object.keys(tensors).length).uint64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) header.string(key).value(value)
  const parts: Uint8Array[] = []
  let offset = 0
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header.string(name).uint32(shape.length)
    for (const size of shape.toReversed()) header.uint64(size)
    header.uint32(GGUF_TYPES[dtype].id).uint64(offset)
    const padded = new Uint8Array(Math.ceil(data.byteLength / alignment) * alignment)
    padded.set(data)
    parts.push(padded)
    offset += padded.byteLength
  }
  return new Uint8Array(Buffer.concat([header.pad(alignment).toUint8Array(), ...parts]))
}
