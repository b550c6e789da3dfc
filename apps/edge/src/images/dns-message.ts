/** The record types that hold an address. */
export type AddressRecord = 'A' | 'AAAA'

const TYPES: Readonly<Record<AddressRecord, number>> = { A: 1, AAAA: 28 }
const INTERNET = 1
const HEADER_BYTES = 12
const RECURSION_DESIRED = 0x0100
const IS_REPLY = 0x8000
const IS_TRUNCATED = 0x0200
/** What a name server says of a name: it has none such, or cannot find out. Neither is a fault of the resolver. */
const NAME_FAULTS: ReadonlySet<number> = new Set([2, 3])

/**
 * A question for the addresses of a name. Its id is 0, so that equal questions are equal bytes and may be cached.
 *
 * @param name - ASCII, labels of 1 to 63 characters
 * @see RFC 1035, section 4.1; RFC 8484, section 4.1
 */
export function encodeQuestion(name: string, record: AddressRecord): Uint8Array {
  const labels = name.split('.').map((label) => new TextEncoder().encode(label))
  const nameBytes = labels.reduce((sum, label) => sum + 1 + label.byteLength, 1)
  const bytes = new Uint8Array(HEADER_BYTES + nameBytes + 4)
  const view = new DataView(bytes.buffer)
  view.setUint16(2, RECURSION_DESIRED)
  view.setUint16(4, 1)
  let at = HEADER_BYTES
  for (const label of labels) {
    bytes[at] = label.byteLength
    bytes.set(label, at + 1)
    at += 1 + label.byteLength
  }
  view.setUint16(at + 1, TYPES[record])
  view.setUint16(at + 3, INTERNET)
  return bytes
}

/**
 * The addresses in a reply, spelled as `URL.hostname` does but for the longest form of IPv6: `192.0.2.1`,
 * `[2001:db8:0:0:0:0:0:1]`. Aliases need no following: a resolver sends the whole chain, and only addresses count.
 *
 * @returns none for a name without addresses, or `undefined` for what is no answer to a question
 */
export function readAddresses(reply: Uint8Array): string[] | undefined {
  try {
    return readAnswers(new DataView(reply.buffer, reply.byteOffset, reply.byteLength))
  } catch (error) {
    if (error instanceof RangeError) return undefined // a length that leads out of the message
    throw error
  }
}

function readAnswers(view: DataView): string[] | undefined {
  const flags = view.getUint16(2)
  if ((flags & IS_REPLY) === 0 || (flags & IS_TRUNCATED) !== 0) return undefined
  const code = flags & 15
  if (code !== 0) return NAME_FAULTS.has(code) ? [] : undefined
  let at = HEADER_BYTES
  for (let question = view.getUint16(4); question > 0; question--) at = afterName(view, at) + 4
  const addresses: string[] = []
  for (let answer = view.getUint16(6); answer > 0; answer--) {
    const record = afterName(view, at)
    const length = view.getUint16(record + 8)
    at = record + 10 + length
    if (at > view.byteLength) return undefined
    const data = new DataView(view.buffer, view.byteOffset + record + 10, length)
    const address = readAddress(view.getUint16(record), data)
    if (view.getUint16(record + 2) === INTERNET && address !== undefined) addresses.push(address)
  }
  return addresses
}

/** Names are not read: they end with an empty label, or with a pointer of two bytes. */
function afterName(view: DataView, from: number): number {
  for (let at = from; ; ) {
    const length = view.getUint8(at)
    if (length >= 0xc0) return at + 2
    at += 1 + length
    if (length === 0) return at
  }
}

function readAddress(type: number, data: DataView): string | undefined {
  if (type === TYPES.A && data.byteLength === 4) {
    return Array.from({ length: 4 }, (_, index) => data.getUint8(index)).join('.')
  }
  if (type !== TYPES.AAAA || data.byteLength !== 16) return undefined
  return `[${Array.from({ length: 8 }, (_, index) => data.getUint16(2 * index).toString(16)).join(':')}]`
}
