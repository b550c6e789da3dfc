import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CampaignTally, runCampaign } from './campaign.ts'
import { nodeTarget } from './node-target.ts'
import { FUZZ_FORMATS, loadSeeds } from './seeds.ts'
import type { FuzzTarget } from './target.ts'
import { workerdTarget } from './workerd-target.ts'

const SEED = 20_261_124
/** Enough that every change of every format has been seen. `run.ts` goes on from there. */
const CASES = { both: 150, node: 60 }

const told = ({ findings }: CampaignTally) =>
  findings.map(({ found, where, what }) => `${where}, case ${found.index} (${found.steps.join(', ')}): ${what}`)

describe('damaged pictures', () => {
  let workerd: FuzzTarget | undefined
  beforeAll(async () => {
    workerd = await workerdTarget()
  })
  afterAll(() => workerd?.close())

  it('are a picture or a typed refusal, the same in workerd and in Node, and harm nobody after them', async () => {
    if (workerd === undefined) throw new Error('workerd has not started')
    const seeds = await loadSeeds(FUZZ_FORMATS)
    const isOver = (cases: number) => cases >= CASES.both
    const tally = await runCampaign({ targets: [workerd, nodeTarget()], seeds, seed: SEED, isOver })
    expect(told(tally)).toEqual([])
    expect([...tally.outcomes.keys()]).toEqual(expect.arrayContaining(['png picture', 'jpeg image.malformed']))
    expect(tally.checks).toBeGreaterThan(CASES.both / 20)
  })

  it.each(FUZZ_FORMATS)('of %s, many of them, hurt nothing in Node', async (format) => {
    const seeds = await loadSeeds([format])
    const isOver = (cases: number) => cases >= CASES.node
    const tally = await runCampaign({ targets: [nodeTarget()], seeds, seed: SEED + 1, isOver })
    expect(told(tally)).toEqual([])
  })
})
