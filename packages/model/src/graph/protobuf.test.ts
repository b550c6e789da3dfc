import { describe, expect, it } from 'vitest'
import { ProtoMessage } from './protobuf.ts'

const hex = (message: ProtoMessage) => [...message.encode()].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')

/** Encodings from the protobuf guide, or worked out by its rules. @see https://protobuf.dev/programming-guides/encoding/ */
const ENCODINGS: Record<string, ProtoMessage> = {
  '08 96 01': new ProtoMessage().integer(1, 150),
  '08 00': new ProtoMessage().integer(1, 0),
  '18 ff ff ff ff ff ff ff ff ff 01': new ProtoMessage().integer(3, -1),
  'a0 01 07': new ProtoMessage().integer(20, 7),
  '12 07 74 65 73 74 69 6e 67': new ProtoMessage().text(2, 'testing'),
  '0a 02 c3 a9': new ProtoMessage().text(1, 'é'),
  '1a 03 08 96 01': new ProtoMessage().message(3, new ProtoMessage().integer(1, 150)),
  '32 06 03 8e 02 9e a7 05': new ProtoMessage().integers(6, [3, 270, 86942]),
  '15 00 00 80 3f': new ProtoMessage().float(2, 1),
  '4a 02 00 ff': new ProtoMessage().bytes(9, Uint8Array.of(0, 255)),
  '0a 00': new ProtoMessage().text(1, ''),
}

describe('ProtoMessage', () => {
  it.each(Object.entries(ENCODINGS))('writes %s', (bytes, message) => {
    expect(hex(message)).toBe(bytes)
    expect(message.byteLength).toBe(bytes.split(' ').length)
  })

  it('writes fields in the order they were given', () => {
    expect(hex(new ProtoMessage().integer(2, 1).integer(1, 2))).toBe('10 01 08 02')
  })

  it('keeps integers above 2^53 exact', () => {
    expect(hex(new ProtoMessage().integer(1, 2n ** 62n + 1n))).toBe('08 81 80 80 80 80 80 80 80 40')
  })
})
