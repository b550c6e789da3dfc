import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readDocument } from '../../contract/openapi/documented-api.ts'
import { DOCUMENT_PATH } from '../../contract/openapi/generate.ts'
import { describeHttpFinding, runHttpCampaign } from '../../fuzz/http/http-campaign.ts'
import { ADMIN_KEY, MODEL, type Stack } from '../support/stack.ts'

const SEED = 20_261_124
const CASES = 300

/** The document and the page that shows it, as they are served; and whether what comes back is what it says. */
export function openApiSuite(stack: () => Stack): void {
  describe('the OpenAPI document', () => {
    it('is served to pages of any origin, and not sent again to who has it', async () => {
      const url = `${stack().edgeUrl}/openapi.json`
      const reply = await fetch(url, { headers: { origin: 'https://elsewhere.example' } })
      expect([reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
      expect(reply.headers.get('content-type')).toContain('application/json')
      expect(await reply.text()).toBe(readFileSync(DOCUMENT_PATH, 'utf8'))
      const again = await fetch(url, { headers: { 'if-none-match': reply.headers.get('etag') ?? '' } })
      expect(again.status).toBe(304)
    })

    it('says what comes back, whatever is asked', async () => {
      const api = readDocument(JSON.parse(readFileSync(DOCUMENT_PATH, 'utf8')))
      const tally = await runHttpCampaign({
        api,
        seed: SEED,
        model: MODEL,
        isFrugal: true,
        send: (path, init) => fetch(`${stack().edgeUrl}${path}`, init),
        adminKey: ADMIN_KEY,
        width: 4,
        isOver: ({ cases }) => cases >= CASES,
      })
      expect(tally.findings.map(describeHttpFinding)).toEqual([])
      expect(tally.taken).toBeGreaterThan(tally.allowed / 5)
    })
  })
}
