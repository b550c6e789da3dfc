import { describe, expect, it } from 'vitest'
import { readConfig } from './config.ts'

const PEPPER = 'p'.repeat(32)
const local = { WORKER_URL: 'http://127.0.0.1:8790/', ENVIRONMENT: 'local' }

describe('readConfig', () => {
  it('is open in local development without keys only', () => {
    expect(readConfig(local).isOpen).toBe(true)
    expect(readConfig({ ...local, API_KEYS: 'sk-a' }).isOpen).toBe(false)
    expect(readConfig({ ...local, ENVIRONMENT: 'production', KEY_PEPPER: PEPPER }).isOpen).toBe(false)
    expect(readConfig({ ...local, ENVIRONMENT: 'Local', KEY_PEPPER: PEPPER }).isOpen).toBe(false)
  })

  it('reads lists and flags', () => {
    const flags = { IMAGE_AVIF: 'true', IMAGE_ALLOW_HTTP: 'true' }
    const env = { ...local, ...flags, API_KEYS: ' sk-a, ,sk-b ', IMAGE_TRUSTED_HOSTS: 'a:1' }
    expect(readConfig(env)).toMatchObject({
      workerUrl: 'http://127.0.0.1:8790',
      apiKeys: ['sk-a', 'sk-b'],
      isOpen: false,
      decodesAvif: true,
      allowHttpImages: true,
      trustedImageHosts: ['a:1'],
    })
  })

  it('looks names up only where a resolver is named', () => {
    const url = 'https://cloudflare-dns.com/dns-query'
    expect(readConfig({ ...local, IMAGE_DNS_URL: url }).imageDnsUrl).toBe(url)
    expect(readConfig({ ...local, IMAGE_DNS_URL: '' }).imageDnsUrl).toBeUndefined()
    expect(readConfig(local).imageDnsUrl).toBeUndefined()
  })

  it('has a pepper and an admin key when they are set, and an own pepper in local development', () => {
    const ADMIN_KEY = 'a'.repeat(32)
    expect(readConfig({ ...local, KEY_PEPPER: PEPPER, ADMIN_KEY })).toMatchObject({
      keyPepper: PEPPER,
      adminKey: ADMIN_KEY,
    })
    expect(readConfig(local)).toMatchObject({ keyPepper: expect.stringMatching(/./), adminKey: undefined })
  })

  it.each([
    ['KEY_PEPPER', { ...local, ENVIRONMENT: 'production' }],
    ['KEY_PEPPER', { ...local, KEY_PEPPER: PEPPER.slice(1) }],
    ['ADMIN_KEY', { ...local, ADMIN_KEY: 'admin' }],
    ['WORKER_URL', { ...local, WORKER_URL: 'worker:8790' }],
    ['WORKER_URL', { ENVIRONMENT: 'local' }],
    ['ENVIRONMENT', { WORKER_URL: local.WORKER_URL }],
    ['IMAGE_ALLOW_HTTP', { ...local, IMAGE_ALLOW_HTTP: 'yes' }],
    ['IMAGE_DNS_URL', { ...local, IMAGE_DNS_URL: '1.1.1.1' }],
  ])('names %s when it is wrong', (name, env) => {
    expect(() => readConfig(env)).toThrow(
      expect.objectContaining({ code: 'config.invalid', detail: expect.stringContaining(name) }),
    )
  })
})
