import { readFileSync } from 'node:fs'
import { TINY_MODEL } from '@loupe/edge/src/testing/fake-worker.ts'
import { ADMIN_KEY, createKeyedApp } from '@loupe/edge/src/testing/key-admin.ts'
import { expect, it } from 'vitest'
import { readDocument } from '../contract/openapi/documented-api.ts'
import { DOCUMENT_PATH } from '../contract/openapi/generate.ts'
import { describeHttpFinding, runHttpCampaign } from './http/http-campaign.ts'

const SEED = 20_261_124
const CASES = 1500

it('whatever is asked of the API, the document says what comes back', async () => {
  const api = readDocument(JSON.parse(readFileSync(DOCUMENT_PATH, 'utf8')))
  const app = await createKeyedApp({ config: { isOpen: true }, model: { context_length: 4096 } })
  const tally = await runHttpCampaign({
    api,
    seed: SEED,
    model: TINY_MODEL,
    isFrugal: false,
    send: app.request,
    adminKey: ADMIN_KEY,
    isOver: ({ cases }) => cases >= CASES,
  })
  expect(tally.findings.map(describeHttpFinding)).toEqual([])
  // The cases are worth something: each operation was reached, and many requests were taken.
  const reached = new Set([...tally.outcomes.keys()].map((outcome) => outcome.split(' ')[0]))
  expect(api.operations.filter(({ operation }) => !reached.has(String(operation['operationId'])))).toEqual([])
  expect(tally.taken).toBeGreaterThan(tally.allowed / 4)
})
