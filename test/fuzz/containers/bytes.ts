/** One array out of several. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** One byte a character. */
export function latin1Bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

/** One character a byte. */
export function latin1Text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** A view for numbers of several bytes. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

/** Four bytes, the first the highest. */
export function bigEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value)
  return bytes
}

/** Two bytes, the first the highest. */
export function bigEndian16(value: number): Uint8Array {
  return Uint8Array.of((value >> 8) & 0xff, value & 0xff)
}

/** Four bytes, the first the lowest. */
export function littleEndian32(value: number): Uint8Array {
  return bigEndian32(value).reverse()
}

/** Two bytes, the first the lowest. */
export function littleEndian16(value: number): Uint8Array {
  return bigEndian16(value).reverse()
}

/** Three bytes, the first the lowest. */
export function littleEndian24(value: number): Uint8Array {
  return littleEndian32(value).subarray(0, 3)
}
