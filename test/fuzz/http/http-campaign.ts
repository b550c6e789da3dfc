import type { DocumentedApi } from '../../contract/openapi/documented-api.ts'
import { isForAdmin, makeStandins, type Send, type Standins } from '../../contract/openapi/example-requests.ts'
import { type HttpCase, type HttpCases, httpCase } from './http-case.ts'

/** Something that must not be. */
export interface HttpFinding {
  readonly found: HttpCase
  readonly what: string
}

/** What has come of a campaign so far. */
export interface HttpTally {
  cases: number
  readonly findings: HttpFinding[]
  /** How often each outcome came, by operation: `createBatch 200`. */
  readonly outcomes: Map<string, number>
  /** Requests that the document allows, and how many of them were taken. */
  allowed: number
  taken: number
  slowest: { readonly ms: number; readonly index: number }
}

/** How requests are made. */
export interface HttpCampaign extends Omit<HttpCases, 'standins'> {
  readonly send: Send
  readonly adminKey: string
  /** The model that is asked. */
  readonly model: string
  readonly from?: number
  readonly isOver: (tally: HttpTally) => boolean
  readonly onCase?: (tally: HttpTally) => void
  /** Requests at the same time. */
  readonly width?: number
}

/** What the cases refer to is made anew so often: some of them delete it. */
const RENEWED = 200
/** Beyond this an answer will not come. */
const HANG_MS = 30_000

/** Makes one request after the other, and holds each reply against the document. */
export async function runHttpCampaign(campaign: HttpCampaign): Promise<HttpTally> {
  const { from = 0, width = 1, isOver, onCase } = campaign
  const tally: HttpTally = {
    cases: 0,
    findings: [],
    outcomes: new Map(),
    allowed: 0,
    taken: 0,
    slowest: { ms: 0, index: 0 },
  }
  let next = from
  let standins = await standinsOf(campaign)
  const work = async (): Promise<void> => {
    while (!isOver(tally)) {
      tally.cases++
      if (tally.cases % RENEWED === 0) standins = await standinsOf(campaign)
      const found = httpCase({ ...campaign, standins }, next++)
      for (const what of await faultsOf(found, campaign, tally)) tally.findings.push({ found, what })
      onCase?.(tally)
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  return tally
}

function standinsOf({ send, adminKey, model }: HttpCampaign): Promise<Standins> {
  const asAdmin: Send = (path, init) => {
    return send(path, isForAdmin(path) ? { ...init, headers: { authorization: `Bearer ${adminKey}` } } : init)
  }
  return makeStandins(asAdmin, model)
}

async function faultsOf(found: HttpCase, campaign: HttpCampaign, tally: HttpTally): Promise<string[]> {
  const { method, path, index, isAllowed } = found
  const start = performance.now()
  const reply = await answerTo(found, campaign)
  const ms = performance.now() - start
  if (ms > tally.slowest.ms) tally.slowest = { ms, index }
  if (typeof reply === 'string') return [reply]
  const { status } = reply
  count(tally, campaign.api, found, status)
  if (method === 'OPTIONS') return status === 204 || status === 404 || status === 405 ? [] : [`${status} for OPTIONS`]
  const faults = campaign.api.faultsOf({ method, path }, reply)
  if (status >= 500) faults.push(`${status}: ${reply.text.slice(0, 300)}`)
  // A key that is wrong is refused before the body is read.
  if (isAllowed === false && status < 300) faults.push('the document refuses what was taken')
  return faults
}

function count(tally: HttpTally, api: DocumentedApi, { method, path, isAllowed }: HttpCase, status: number): void {
  const name = api.find({ method, path })?.operation['operationId'] ?? method
  tally.outcomes.set(`${name} ${status}`, (tally.outcomes.get(`${name} ${status}`) ?? 0) + 1)
  if (isAllowed !== true) return
  tally.allowed++
  if (status < 300) tally.taken++
}

async function answerTo({ method, path, headers, body }: HttpCase, { send, adminKey }: HttpCampaign) {
  const all = isForAdmin(path) ? { authorization: `Bearer ${adminKey}`, ...headers } : headers
  const given = body === undefined ? {} : { body }
  try {
    const signal = AbortSignal.timeout(HANG_MS)
    const reply = await send(path, { method, headers: all, ...given, signal })
    return { status: reply.status, headers: reply.headers, text: await textOf(reply, signal) }
  } catch (thrown) {
    return `no answer: ${String(thrown)}`
  }
}

/** In the memory of a test nothing but this ends the wait for a body. */
async function textOf(reply: Response, signal: AbortSignal): Promise<string> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([reply.text(), late])
}

/** A finding in a line: how to make it again, and what is wrong. */
export function describeHttpFinding({ found, what }: HttpFinding): string {
  const { index, method, path, steps } = found
  return `case ${index}, ${method} ${path.slice(0, 80)} (${steps.join('; ').slice(0, 160)}): ${what}`
}
