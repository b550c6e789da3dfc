import { describe, expect, it } from 'vitest'
import type { Fetch } from '../fetch.ts'
import { type DnsRecord, dnsReply } from '../testing/dns-reply.ts'
import { createDnsResolver } from './dns-resolver.ts'

const signal = new AbortController().signal
const url = 'https://dns.example/dns-query'
const unavailable = { code: 'resolver.unavailable', entry: { status: 503, retry: 'later' } }

/** A name server: the question's last type byte tells which records are asked for. */
function nameServer(records: Readonly<Record<'four' | 'six', readonly DnsRecord[]>>): Fetch {
  return async (address) => {
    const question = new URL(address).searchParams.get('dns') ?? ''
    const bytes = atob(question.replaceAll('-', '+').replaceAll('_', '/'))
    const isSix = bytes.charCodeAt(bytes.length - 3) === 28
    return new Response(new Uint8Array(dnsReply('a.example', isSix ? records.six : records.four)))
  }
}

describe('createDnsResolver', () => {
  it('asks for both kinds of addresses', async () => {
    const fetch = nameServer({ four: [{ address: '192.0.2.7' }], six: [{ address: '2606:4700:0:0:0:0:0:1' }] })
    const resolve = createDnsResolver({ url, fetch })
    expect(await resolve('a.example', signal)).toEqual(['192.0.2.7', '[2606:4700:0:0:0:0:0:1]'])
  })

  it('keeps what else stands in the address of the resolver', async () => {
    const asked: string[] = []
    const resolve = createDnsResolver({
      url: `${url}?key=1`,
      fetch: async (address) => {
        asked.push(address)
        return new Response(new Uint8Array(dnsReply('a.example', [])))
      },
    })
    expect(await resolve('a.example', signal)).toEqual([])
    expect(asked[0]).toMatch(/^https:\/\/dns\.example\/dns-query\?key=1&dns=[\w-]+$/)
  })

  it.each<[string, Fetch]>([
    ['cannot be reached', () => Promise.reject(new TypeError('connection refused'))],
    ['refuses', async () => new Response('no', { status: 403 })],
    ['redirects', async () => new Response(null, { status: 302, headers: { location: 'https://b.example' } })],
    ['sends a page', async () => new Response('<html>')],
    ['sends without end', async () => new Response(new Uint8Array(100_000))],
  ])('says that names cannot be looked up when the resolver %s', async (_, fetch) => {
    await expect(createDnsResolver({ url, fetch })('a.example', signal)).rejects.toMatchObject(unavailable)
  })

  it('is stopped by the client that leaves', async () => {
    const left = AbortSignal.abort(new Error('left'))
    const fetch: Fetch = async (_, init) => {
      init?.signal?.throwIfAborted()
      return new Response()
    }
    await expect(createDnsResolver({ url, fetch })('a.example', left)).rejects.toThrow('left')
  })
})
