import { encodeQuestion } from '../images/dns-message.ts'

/** An address, in four decimals or eight hexadecimal groups, or another name. */
export type DnsRecord = { readonly address: string } | { readonly alias: string }

/** What is unusual about a reply. */
export interface DnsReplyOptions {
  /** What the name server says: 3 is "no such name". */
  readonly code?: number
  readonly flags?: number
  /** Write names out instead of pointing at the question. */
  readonly spelled?: boolean
  /** Said to be there, whatever is. */
  readonly answers?: number
  readonly length?: number
}

/** A reply of a name server, as DNS writes it. */
export function dnsReply(
  name: string,
  records: readonly DnsRecord[],
  { code = 0, flags = 0x8180, spelled = false, answers = records.length, length }: DnsReplyOptions = {},
): Uint8Array {
  const question = [...encodeQuestion(name, 'A')]
  const owner = spelled ? nameBytes(name) : [0xc0, 12]
  const written = records.flatMap((record) => {
    const [type, data] = recordData(record)
    return [...owner, ...twoBytes(type), 0, 1, 0, 0, 0, 60, ...twoBytes(length ?? data.length), ...data]
  })
  const bytes = Uint8Array.from([...question, ...written])
  const view = new DataView(bytes.buffer)
  view.setUint16(2, flags | code)
  view.setUint16(6, answers)
  return bytes
}

function recordData(record: DnsRecord): [type: number, data: number[]] {
  if ('alias' in record) return [5, nameBytes(record.alias)]
  const { address } = record
  if (address.includes('.')) return [1, address.split('.').map(Number)]
  return [28, address.split(':').flatMap((group) => twoBytes(Number.parseInt(group, 16)))]
}

function nameBytes(name: string): number[] {
  return [...name.split('.').flatMap((label) => [label.length, ...new TextEncoder().encode(label)]), 0]
}

function twoBytes(value: number): number[] {
  return [value >> 8, value & 255]
}
