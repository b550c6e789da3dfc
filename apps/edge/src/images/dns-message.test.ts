import { describe, expect, it } from 'vitest'
import { dnsReply } from '../testing/dns-reply.ts'
import { encodeQuestion, readAddresses } from './dns-message.ts'

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

describe('encodeQuestion', () => {
  it('is the example of RFC 8484, section 4.1.1', () => {
    expect(hex(encodeQuestion('www.example.com', 'A'))).toBe(
      '00000100000100000000000003777777076578616d706c6503636f6d0000010001',
    )
  })

  it('asks for the longer addresses by another type', () => {
    expect(hex(encodeQuestion('a.b', 'AAAA')).endsWith('0161016200001c0001')).toBe(true)
  })
})

describe('readAddresses', () => {
  it('reads every address behind a chain of aliases', () => {
    const reply = dnsReply('a.example', [
      { alias: 'b.example' },
      { address: '192.0.2.7' },
      { address: '2001:db8:0:0:0:0:0:1' },
    ])
    expect(readAddresses(reply)).toEqual(['192.0.2.7', '[2001:db8:0:0:0:0:0:1]'])
  })

  it('takes names written out and names that point back', () => {
    const spelled = dnsReply('a.example', [{ address: '192.0.2.7' }], { spelled: true })
    expect(readAddresses(spelled)).toEqual(['192.0.2.7'])
  })

  it.each([2, 3])('finds no address where the name server says %i', (code) => {
    expect(readAddresses(dnsReply('a.example', [], { code }))).toEqual([])
  })

  it.each([
    ['a refusal', dnsReply('a.example', [], { code: 5 })],
    ['a truncated reply', dnsReply('a.example', [], { flags: 0x8200 })],
    ['a question', encodeQuestion('a.example', 'A')],
    ['nothing', new Uint8Array()],
    ['a page', new TextEncoder().encode('<!doctype html><title>Sign in</title>')],
    ['the start of a reply', dnsReply('a.example', [{ address: '192.0.2.7' }]).subarray(0, -1)],
    ['a length that leads out of the message', dnsReply('a.example', [{ address: '192.0.2.7' }], { length: 0xffff })],
    ['more answers than are there', dnsReply('a.example', [{ address: '192.0.2.7' }], { answers: 0xffff })],
  ])('takes %s for no answer', (_, reply) => {
    expect(readAddresses(reply)).toBeUndefined()
  })

  it('reads only what lies in the message, not what lies beside it in memory', () => {
    const reply = dnsReply('a.example', [{ address: '192.0.2.7' }])
    const shared = new Uint8Array(reply.byteLength + 64)
    shared.set(reply, 32)
    expect(readAddresses(shared.subarray(32, 32 + reply.byteLength))).toEqual(['192.0.2.7'])
    expect(readAddresses(shared.subarray(32, 31 + reply.byteLength))).toBeUndefined()
  })
})
