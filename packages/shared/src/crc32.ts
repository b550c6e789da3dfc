const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** CRC-32 of `bytes` as zlib and PNG compute it: an unsigned 32-bit number. @see ISO 3309 */
export function crc32(bytes: Uint8Array): number {
  let value = -1
  // Indexed access, not for-of: this runs over megabytes and the iterator is several times slower.
  for (let at = 0; at < bytes.length; at += 1) {
    value = (value >>> 8) ^ (table[(value ^ (bytes[at] ?? 0)) & 0xff] ?? 0)
  }
  return ~value >>> 0
}
