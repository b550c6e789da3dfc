/**
 * Just enough protobuf to write an ONNX model: varints, 32-bit floats and length-delimited fields.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */

const VARINT = 0
const LENGTH_DELIMITED = 2
const FIXED_32 = 5

/** One message under construction. Fields appear in the order they are written; an absent field is its default. */
export class ProtoMessage {
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  /** Bytes written so far. */
  get byteLength(): number {
    return this.#bytes
  }

  /** An integer field. Negative numbers take ten bytes, as 64-bit two's complement. */
  integer(field: number, value: number | bigint): this {
    return this.#push(varint(tag(field, VARINT))).#push(varint(BigInt(value)))
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    const bits = new Uint8Array(4)
    new DataView(bits.buffer).setFloat32(0, value, true)
    return this.#push(varint(tag(field, FIXED_32))).#push(bits)
  }

  /** A string field, UTF-8. */
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value))
  }

  /** A byte field. The bytes are not copied before {@link encode}. */
  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(tag(field, LENGTH_DELIMITED)))
      .#push(varint(BigInt(value.byteLength)))
      .#push(value)
  }

  /** A nested message field. */
  message(field: number, value: ProtoMessage): this {
    this.#push(varint(tag(field, LENGTH_DELIMITED))).#push(varint(BigInt(value.byteLength)))
    for (const chunk of value.#chunks) this.#push(chunk)
    return this
  }

  /** A packed list of integers. */
  integers(field: number, values: readonly number[]): this {
    const packed = new ProtoMessage()
    for (const value of values) packed.#push(varint(BigInt(value)))
    return this.message(field, packed)
  }

  /** The wire form. */
  encode(): Uint8Array {
    const out = new Uint8Array(this.#bytes)
    let at = 0
    for (const chunk of this.#chunks) {
      out.set(chunk, at)
      at += chunk.byteLength
    }
    return out
  }

  #push(chunk: Uint8Array): this {
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
    return this
  }
}

function tag(field: number, wireType: number): bigint {
  return BigInt((field << 3) | wireType)
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
