import { mutantsOf } from '../mutant.ts'

const EDGE = 'apps/edge/src'
const ACCOUNT_TESTS = [`${EDGE}/keys/key-account.test.ts`, `${EDGE}/middleware/rate-limit.test.ts`]

/** Who may ask, how much, and how often the same. */
export const KEY_MUTANTS = [
  ...mutantsOf(`${EDGE}/keys/key-account.ts`, ACCOUNT_TESTS, {
    'key-secret-unchecked': [
      'A key is more than its id.',
      ['if (!isSameText(record.digest, digest)) return', 'if (false) return'],
    ],
    'key-valid-when-it-expires': ['A key ends at its time.', ['expiresMs <= nowMs', 'expiresMs < nowMs']],
    'key-scope-unchecked': ['A key serves its scopes.', ['!record.scopes.includes(scope)', 'false']],
    'key-refusals-counted': [
      'A request that is refused is not counted.',
      [
        '  if (wait > 0) return',
        '  if (wait > 0) secondAt(state.window, nowMs).use.requests++\n  if (wait > 0) return',
      ],
    ],
    'key-settled-twice': ['An answer is settled once.', ['  state.open.delete(id)\n  const', '  const']],
    'key-quota-of-another-month': [
      'What was set aside in one month is settled in it.',
      ['if (state.month.name === reservation.month) state', 'state'],
    ],
    'key-revoked-later': ['A key was revoked the first time.', ['state.record.revokedMs ?? nowMs', 'nowMs']],
  }),
  ...mutantsOf(`${EDGE}/keys/rate-window.ts`, [`${EDGE}/keys/rate-window.test.ts`], {
    'rate-window-one-second-short': [
      'No 60 seconds hold more than the limit, wherever they begin.',
      ['COUNTS_FOR_MS = 61_000', 'COUNTS_FOR_MS = 60_000'],
    ],
  }),
  ...mutantsOf(`${EDGE}/keys/keyring.ts`, [`${EDGE}/keys/keyring.test.ts`], {
    'key-tag-unchecked': ['Only the pepper makes keys.', ['isSameText(expected, tag) ?', 'true ?']],
    'tenant-kinds-mixed': ['An owner is never a static key.', ['{kind}`, name', "{''}`, name"]],
  }),
  ...mutantsOf(`${EDGE}/keys/metered-answer.ts`, [`${EDGE}/keys/metered-answer.test.ts`], {
    'metered-prompt-free': ['A prompt counts.', ['used = promptTokens + (', 'used = (']],
    'metered-refusal-charged': [
      'What the worker refuses costs nothing.',
      ['reservation.settle(0, true)', 'reservation.settle(tokens.promptTokens, true)'],
    ],
    'metered-unstarted-open': [
      'Who leaves before the first event leaves nothing set aside.',
      ["else signal.addEventListener('abort', onAbort, { once: true })", ''],
    ],
  }),
  ...mutantsOf(`${EDGE}/middleware/idempotency.ts`, [`${EDGE}/middleware/idempotency.test.ts`], {
    'idempotency-across-tenants': ['A reply is its tenant’s.', ['{c.var.tenant}/', "{''}/"]],
    'idempotency-leaves-with-its-client': [
      'An answer that may be asked for again is made to its end.',
      [
        '{ method, headers, body: new Uint8Array(body) }',
        '{ method, headers, body: new Uint8Array(body), signal: c.req.raw.signal }',
      ],
    ],
    'idempotency-keeps-halves': ['An answer that broke off is not kept.', ['!c.var.ledger.hasBroken', 'true']],
  }),
]
