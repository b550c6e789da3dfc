import { describe, expect, it } from 'vitest'
import { readCacheRules } from './cache-rules.ts'

const DATE = 'Tue, 24 Nov 2026 10:00:00 GMT'
const rules = (headers: Record<string, string>) => readCacheRules(new Headers(headers), 1_000)

describe('readCacheRules', () => {
  it.each<[string, Record<string, string>, number]>([
    ['a life', { 'cache-control': 'public, max-age=60' }, 61_000],
    ['a life in quotes and capitals', { 'cache-control': 'Max-Age="60"' }, 61_000],
    ['a life, part of which is over', { 'cache-control': 'max-age=60', age: '20' }, 41_000],
    ['a date of expiry', { date: DATE, expires: 'Tue, 24 Nov 2026 10:02:00 GMT' }, 121_000],
    [
      'a life beside a date of expiry',
      { 'cache-control': 'max-age=1', date: DATE, expires: 'Wed, 25 Nov 2026' },
      2_000,
    ],
    ['a life of years, at most an hour', { 'cache-control': 'max-age=31536000, immutable' }, 3_601_000],
  ])('takes %s', (_, headers, freshUntilMs) => {
    expect(rules(headers)).toEqual({ freshUntilMs })
  })

  it.each<[string, Record<string, string>]>([
    ['no-cache', { 'cache-control': 'no-cache, max-age=60' }],
    ['no-cache with fields', { 'cache-control': 'no-cache="a, b", max-age=60' }],
    ['a life that is over', { 'cache-control': 'max-age=60', age: '60' }],
    ['a life that is no number', { 'cache-control': 'max-age=soon' }],
    ['a life below zero', { 'cache-control': 'max-age=-1' }],
    ['an age that is no number', { 'cache-control': 'max-age=60', age: 'old' }],
    ['a date of expiry that is no date', { date: DATE, expires: '0' }],
    ['nothing', {}],
  ])('keeps what says %s only to ask whether it has changed', (_, headers) => {
    expect(rules({ ...headers, etag: '"1"', 'last-modified': DATE })).toEqual({
      freshUntilMs: 1_000,
      etag: '"1"',
      lastModified: DATE,
    })
    expect(rules(headers)).toBeUndefined()
  })

  it.each<[string, Record<string, string>]>([
    ['no-store', { 'cache-control': 'max-age=60, No-Store' }],
    ['a choice by anything', { 'cache-control': 'max-age=60', vary: 'accept, *' }],
  ])('keeps nothing that says %s', (_, headers) => {
    expect(rules({ ...headers, etag: '"1"' })).toBeUndefined()
  })

  it('sends no long validator back', () => {
    expect(rules({ etag: `"${'a'.repeat(256)}"` })).toBeUndefined()
  })
})
