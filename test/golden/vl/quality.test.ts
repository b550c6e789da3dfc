/** What each dtype costs in quality is bounded: rounding that gets worse fails here, whichever code is at fault. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Agreement } from '../../bench/quality-agreement.ts'
import { embeddedCase, goldenCases } from '../../bench/quality-cases.ts'
import { measureQuality, type QualityCase } from '../../bench/quality-run.ts'
import { qualitySettings } from '../../bench/quality-settings.ts'

let cacheDirectory: string
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'loupe-quality-'))
})
afterAll(() => rm(cacheDirectory, { recursive: true }))

/** As `test/bench/quality.ts` measures it, of the settings that are named. */
async function measured(cases: readonly QualityCase[], names: readonly string[]): Promise<Map<string, Agreement>> {
  const settings = qualitySettings(false).filter((setting) => names.includes(nameOf(setting)))
  const load = { threads: 1, cacheDirectory }
  const found = new Map<string, Agreement>()
  for await (const { setting, agreement } of measureQuality(cases, { settings, load, hasLanguage: true })) {
    found.set(setting === undefined ? 'reference' : nameOf(setting), agreement)
  }
  return found
}

function nameOf({ part, dtype, activations }: { part: string; dtype: string; activations: string }): string {
  return `${part} ${dtype} ${activations}`
}

/**
 * KL a token, nats, as it was measured; and what is missing to 1 of the cosine of the worst image feature. Better rounding
 * lowers the numbers here too.
 */
const MEASURED = {
  'language f16 float32': { meanKl: 3e-7 },
  'language bf16 float32': { meanKl: 1.7e-5 },
  'language int8 float32': { meanKl: 1.9e-4 },
  'language int8 int8': { meanKl: 3.5e-4 },
  'language int4 int8': { meanKl: 4.4e-2 },
  'vision f16 float32': { meanKl: 4.1e-8, missing: 1.9e-7 },
  'vision bf16 float32': { meanKl: 5.8e-6, missing: 1.5e-5 },
  'vision int8 int8': { meanKl: 2.8e-5, missing: 1e-4 },
  'vision int4 int8': { meanKl: 5e-3, missing: 2.7e-2 },
} as const satisfies Record<string, { meanKl: number; missing?: number }>

/** Kernels of other processors round otherwise, but steps that are 8/7 as wide must show: they cost 1.3 times the KL. */
const SLACK = 1.25

describe('of a golden case', () => {
  let found: ReadonlyMap<string, Agreement>
  beforeAll(async () => {
    found = await measured(goldenCases(['two-images']), Object.keys(MEASURED))
  })

  it.each(Object.entries(MEASURED))('the model in %s says as much as it did', (name, expected) => {
    const { meanKl = Number.NaN, features } = found.get(name) ?? {}
    expect(meanKl).toBeLessThan(expected.meanKl * SLACK)
    // Less would be another type, or none.
    expect(meanKl).toBeGreaterThan(expected.meanKl / SLACK)
    if (!('missing' in expected)) return
    expect(1 - (features?.worstCosine ?? Number.NaN)).toBeLessThan(expected.missing * SLACK)
  })
})

describe('the embedded model', () => {
  let found: ReadonlyMap<string, Agreement>
  beforeAll(async () => {
    found = await measured([await embeddedCase(1)], ['both int8 int8', 'both int4 int8'])
  })

  it('answers the same in 8 bits and in 4', () => {
    const all = { asked: 4, right: 4 }
    expect([...found.values()].map(({ answers }) => answers)).toEqual([all, all, all])
    expect(found.get('both int8 int8')?.meanKl).toBeLessThan(1e-6)
    expect(found.get('both int4 int8')?.meanKl).toBeLessThan(1e-4)
  })
})
