import { LIMITS } from '@loupe/edge/src/limits.ts'
import { type FuzzCase, fuzzCase } from './fuzz-case.ts'
import { caseRandom } from './random.ts'
import type { FuzzFormat, SeedFile } from './seeds.ts'
import { describeOutcome, type FuzzTarget, type Outcome } from './target.ts'

/** Something that must not be. */
export interface Finding {
  readonly found: FuzzCase
  readonly where: string
  readonly what: string
}

/** What is fuzzed with what. */
export interface CampaignOptions {
  /** One, or two that have to agree. */
  readonly targets: readonly FuzzTarget[]
  readonly seeds: readonly SeedFile[]
  readonly seed: number
  /** The number of the first case. Default 0. */
  readonly from?: number
  /** Asked before each case. */
  readonly isOver: (cases: number) => boolean
  readonly onCase?: (tally: CampaignTally) => void
}

/** What has come of a campaign so far. */
export interface CampaignTally {
  cases: number
  /** How often each outcome came, by format: `png picture`, `png image.malformed`. */
  readonly outcomes: Map<string, number>
  readonly findings: Finding[]
  /** Sound files looked at after a refusal, and files looked at twice. */
  checks: number
  slowest: { readonly ms: number; readonly index: number }
  /** The most that each target's process had resident. */
  readonly peakBytes: Map<FuzzTarget['name'], number>
}

/** How often a sound file follows a refusal, and a file is looked at again. */
const CHECKED = 1 / 6
/** Memory is looked at once in so many cases. */
const SAMPLED = 10
/** A decode that takes longer loses its turn, and another one runs beside it. */
const MOST_MS = LIMITS.decodeLeaseMs

/**
 * Looks at one hostile file after the other. Only a picture or a refusal may come of it, the same in every target and
 * every time, and sound files must give what they always give.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignTally> {
  const { targets, seeds, seed, from = 0, isOver, onCase } = options
  const tally: CampaignTally = {
    cases: 0,
    outcomes: new Map(),
    findings: [],
    checks: 0,
    slowest: { ms: 0, index: 0 },
    peakBytes: new Map(),
  }
  const sound = await soundPictures(targets, seeds)
  for (let index = from; !isOver(tally.cases); index++) {
    const found = fuzzCase(seeds, seed, index)
    const report = (where: string, what: string) => tally.findings.push({ found, where, what })
    await lookEverywhere(found, targets, { tally, report, sound })
    tally.cases++
    onCase?.(tally)
  }
  return tally
}

interface Look {
  readonly tally: CampaignTally
  readonly report: (where: string, what: string) => void
  readonly sound: ReadonlyMap<FuzzFormat, SoundPicture>
}

interface SoundPicture {
  readonly bytes: Uint8Array
  readonly outcome: string
}

/** A file of each format, and what is seen in it before anything hostile came. */
async function soundPictures(
  targets: readonly FuzzTarget[],
  seeds: readonly SeedFile[],
): Promise<Map<FuzzFormat, SoundPicture>> {
  const sound = new Map<FuzzFormat, SoundPicture>()
  for (const { format, bytes } of seeds) {
    if (sound.has(format)) continue
    const [first] = targets
    if (first === undefined) throw new Error('a campaign needs a target')
    sound.set(format, { bytes, outcome: describeOutcome(await first.look(bytes)) })
  }
  return sound
}

async function lookEverywhere(found: FuzzCase, targets: readonly FuzzTarget[], look: Look): Promise<void> {
  const { tally, report } = look
  const outcomes: string[] = []
  for (const target of targets) {
    const outcome = await lookOnce(found, target, look)
    outcomes.push(describeOutcome(outcome))
    if (outcome.kind === 'fault') report(target.name, outcome.detail)
    else await check(found, target, outcome, look)
  }
  const [first] = outcomes
  const key = `${found.format} ${first?.split(/[ :]/)[0]}`
  tally.outcomes.set(key, (tally.outcomes.get(key) ?? 0) + 1)
  if (new Set(outcomes).size > 1) report('both', outcomes.join(' against '))
}

async function lookOnce({ bytes, index }: FuzzCase, target: FuzzTarget, { tally, report }: Look): Promise<Outcome> {
  const start = performance.now()
  const outcome = await target.look(bytes)
  const ms = performance.now() - start
  if (ms > tally.slowest.ms) tally.slowest = { ms, index }
  if (ms > MOST_MS) report(target.name, `took ${Math.round(ms)} ms`)
  if (tally.cases % SAMPLED === 0) {
    tally.peakBytes.set(target.name, Math.max(tally.peakBytes.get(target.name) ?? 0, target.residentBytes()))
  }
  return outcome
}

/** After some refusals a sound file is looked at, after some pictures the same file again. */
async function check(found: FuzzCase, target: FuzzTarget, outcome: Outcome, look: Look): Promise<void> {
  if (!caseRandom(found.index, 1).chance(CHECKED)) return
  const { tally, report, sound } = look
  tally.checks++
  if (outcome.kind === 'picture') {
    const again = describeOutcome(await target.look(found.bytes))
    if (again !== describeOutcome(outcome)) report(target.name, `${describeOutcome(outcome)}, then ${again}`)
    return
  }
  const known = sound.get(found.format)
  if (known === undefined) return
  const now = describeOutcome(await target.look(known.bytes))
  if (now !== known.outcome) report(target.name, `left a sound ${found.format} as ${now}, not ${known.outcome}`)
}
