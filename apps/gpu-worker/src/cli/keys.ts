import { AppError } from '@loupe/shared/errors'
import { API_SCOPES, type ApiKeyCard } from '@loupe/shared/schema'
import { type ApiServer, baseUrl } from './api-call.ts'
import { type CliArguments, type CliIo, type Command, integerOption, requiredOption, stringOption } from './command.ts'
import { createKey, listKeys, revokeKey } from './keys-api.ts'

const LIMITS = {
  'requests-per-minute': 'requests_per_minute',
  'tokens-per-minute': 'tokens_per_minute',
  'tokens-per-day': 'tokens_per_day',
  'tokens-per-month': 'tokens_per_month',
  concurrent: 'concurrent_requests',
} as const

const DAY_S = 86_400
const MOST_DAYS = 36_500
const MOST_OF_A_LIMIT = 1_000_000_000

/** `loupe keys`: who may use the public API, and how much. */
export const keys: Command = {
  summary: 'make, list and revoke API keys',
  help: `
usage: loupe keys create --name NAME --owner OWNER [options]
       loupe keys list [--owner OWNER]
       loupe keys revoke ID

Talks to the admin routes of an edge. The admin key is taken from LOUPE_ADMIN_KEY: what the edge has as ADMIN_KEY, or a
key with the scope admin. A new key is written to standard output this once; nobody can show it again.

  --url URL                 the edge (default: http://127.0.0.1:8787)
  --name NAME               what the key is for
  --owner OWNER             whom it belongs to; keys of one owner share files and caches
  --scopes A,B              of ${API_SCOPES.join(', ')} (default: all but admin)
  --expires-days N          how long it is valid (default: until it is revoked)
  --requests-per-minute N   limits; what is left out has none
  --tokens-per-minute N     tokens of prompts and answers
  --tokens-per-day N        by the days and months of UTC
  --tokens-per-month N
  --concurrent N            answers at the same time
  --json                    the reply as JSON, one key a line

example: LOUPE_ADMIN_KEY=... loupe keys create --name "build server" --owner acme --requests-per-minute 60`,
  options: {
    url: { type: 'string' },
    name: { type: 'string' },
    owner: { type: 'string' },
    scopes: { type: 'string' },
    'expires-days': { type: 'string' },
    ...Object.fromEntries(Object.keys(LIMITS).map((name) => [name, { type: 'string' } as const])),
    json: { type: 'boolean' },
  },
  async run(args, io) {
    const [action, ...rest] = args.positionals
    if (action === 'create' && rest.length === 0) return create(args, io)
    if (action === 'list' && rest.length === 0) return list(args, io)
    const [id] = rest
    if (action === 'revoke' && id !== undefined && rest.length === 1) return revoke(id, args, io)
    throw new AppError('usage.invalid', 'Expected create, list, or revoke with the id of one key.')
  },
}

async function create(args: CliArguments, io: CliIo): Promise<void> {
  const fields = newKey(args)
  const { key, ...card } = await createKey(serverOf(args, io), fields)
  if (isJson(args)) {
    io.stdout.write(`${JSON.stringify({ ...card, key })}\n`)
    return
  }
  io.stderr.write(`made ${card.id} for ${card.owner}: ${card.scopes.join(', ')}. This is its only showing.\n`)
  io.stdout.write(`${key}\n`)
}

async function list(args: CliArguments, io: CliIo): Promise<void> {
  const found = listKeys(serverOf(args, io), stringOption(args, 'owner'))
  if (!isJson(args)) io.stdout.write('id                made        last used   state    owner, name\n')
  for await (const card of found) io.stdout.write(isJson(args) ? `${JSON.stringify(card)}\n` : row(card))
}

async function revoke(id: string, args: CliArguments, io: CliIo): Promise<void> {
  const details = await revokeKey(serverOf(args, io), id)
  io.stdout.write(isJson(args) ? `${JSON.stringify(details)}\n` : `revoked ${details.id}\n`)
}

function newKey(args: CliArguments): Readonly<Record<string, unknown>> {
  const scopes = stringOption(args, 'scopes')
    ?.split(',')
    .map((scope) => scope.trim())
  const days = integerOption(args, 'expires-days', 0, [1, MOST_DAYS])
  const limits = Object.entries(LIMITS).flatMap(([option, name]) => {
    const limit = integerOption(args, option, 0, [1, MOST_OF_A_LIMIT])
    return limit === 0 ? [] : [[name, limit]]
  })
  return {
    name: requiredOption(args, 'name'),
    owner: requiredOption(args, 'owner'),
    scopes,
    limits: Object.fromEntries(limits),
    ...(days === 0 ? {} : { expires_at: Math.floor(Date.now() / 1000) + days * DAY_S }),
  }
}

function serverOf(args: CliArguments, { signal }: CliIo): ApiServer {
  const apiKey = process.env['LOUPE_ADMIN_KEY']
  if (apiKey === undefined || apiKey === '') {
    throw new AppError('usage.invalid', 'Expected the admin key in the variable LOUPE_ADMIN_KEY, found none.')
  }
  return { url: baseUrl(stringOption(args, 'url', 'http://127.0.0.1:8787')), apiKey, signal }
}

function isJson(args: CliArguments): boolean {
  return args.values['json'] === true
}

function row(card: ApiKeyCard): string {
  const cells = [card.id, day(card.created_at), day(card.last_used_at).padEnd(10), stateOf(card).padEnd(7)]
  return `${cells.join('  ')}  ${card.owner}, ${card.name}\n`
}

function stateOf({ revoked_at: revokedAt, expires_at: expiresAt }: ApiKeyCard): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt * 1000 <= Date.now() ? 'expired' : 'valid'
}

function day(seconds: number | null): string {
  return seconds === null ? 'never' : new Date(seconds * 1000).toISOString().slice(0, 10)
}
