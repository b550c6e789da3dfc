import { AppError } from '@loupe/shared/errors'
import { z } from 'zod'

const flag = z
  .enum(['true', 'false', ''])
  .default('false')
  .transform((value) => value === 'true')

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )

const DAY_MS = 86_400_000

/** As `openssl rand -hex 32` makes it, or anything of that length. */
const secret = z
  .string()
  .refine((text) => text === '' || text.length >= 32, 'expected at least 32 characters')
  .default('')

/** Keys made on this machine are worth nothing elsewhere. */
const LOCAL_PEPPER = 'no secret: for local development only'

const schema = z.object({
  /** Where the model worker listens. */
  WORKER_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  /** `local` is the only value that allows an empty list of keys. */
  ENVIRONMENT: z.string().min(1),
  /** Bearer keys, separated by commas. A secret in production. */
  API_KEYS: list,
  /** What digests of keys and names of tenants are made with. */
  KEY_PEPPER: secret,
  /** Lets its holder make and revoke keys. */
  ADMIN_KEY: secret,
  /** Decode AVIF. */
  IMAGE_AVIF: flag,
  /** Fetch pictures by `http:` too. */
  IMAGE_ALLOW_HTTP: flag,
  /** Hosts (`name` or `name:port`), separated by commas, whose pictures are fetched although they are private. */
  IMAGE_TRUSTED_HOSTS: list,
  /** A resolver that speaks DNS over HTTPS; names of picture hosts are looked up there before they are fetched from. */
  IMAGE_DNS_URL: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  /** Days that a stored response is kept, as OpenAI does. */
  RESPONSE_DAYS: z.coerce.number().gt(0).max(3650).default(30),
})

/** The settings of one deployment. */
export interface EdgeConfig {
  readonly workerUrl: string
  readonly apiKeys: readonly string[]
  /** A secret; with another one no managed key is valid and every tenant has another name. */
  readonly keyPepper: string
  /** Undefined when only managed keys may administer. */
  readonly adminKey: string | undefined
  /** True when requests without a key are served. */
  readonly isOpen: boolean
  readonly decodesAvif: boolean
  readonly allowHttpImages: boolean
  readonly trustedImageHosts: readonly string[]
  /** Undefined when names are not looked up. */
  readonly imageDnsUrl: string | undefined
  /** How long a stored response is kept. */
  readonly responseTtlMs: number
}

/**
 * Reads the settings from the variables and secrets of a Worker.
 *
 * @throws AppError `config.invalid` naming the variable
 */
export function readConfig(env: Readonly<Record<string, unknown>>): EdgeConfig {
  const result = schema.safeParse(env)
  if (!result.success) {
    const [issue] = result.error.issues
    throw new AppError('config.invalid', `${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { WORKER_URL, ENVIRONMENT, API_KEYS, IMAGE_ALLOW_HTTP, IMAGE_TRUSTED_HOSTS, IMAGE_DNS_URL } = result.data
  const { KEY_PEPPER: pepper, ADMIN_KEY: adminKey } = result.data
  const isLocal = ENVIRONMENT === 'local'
  if (!isLocal && pepper === '') {
    throw new AppError('config.invalid', 'KEY_PEPPER: expected a secret of at least 32 characters, found none.')
  }
  return {
    workerUrl: WORKER_URL,
    apiKeys: API_KEYS,
    keyPepper: pepper === '' ? LOCAL_PEPPER : pepper,
    adminKey: adminKey === '' ? undefined : adminKey,
    isOpen: isLocal && API_KEYS.length === 0,
    decodesAvif: result.data.IMAGE_AVIF,
    allowHttpImages: IMAGE_ALLOW_HTTP,
    trustedImageHosts: IMAGE_TRUSTED_HOSTS,
    imageDnsUrl: IMAGE_DNS_URL === '' ? undefined : IMAGE_DNS_URL,
    responseTtlMs: result.data.RESPONSE_DAYS * DAY_MS,
  }
}
