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

const schema = z.object({
  /** Where the model worker listens. */
  WORKER_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  /** `local` is the only value that allows an empty list of keys. */
  ENVIRONMENT: z.string().min(1),
  /** Bearer keys, separated by commas. A secret in production. */
  API_KEYS: list,
  /** Fetch pictures by `http:` too. */
  IMAGE_ALLOW_HTTP: flag,
  /** Hosts (`name` or `name:port`), separated by commas, whose pictures are fetched although they are private. */
  IMAGE_TRUSTED_HOSTS: list,
  /** A resolver that speaks DNS over HTTPS; names of picture hosts are looked up there before they are fetched from. */
  IMAGE_DNS_URL: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
})

/** The settings of one deployment. */
export interface EdgeConfig {
  readonly workerUrl: string
  readonly apiKeys: readonly string[]
  /** True when requests without a key are served. */
  readonly isOpen: boolean
  readonly allowHttpImages: boolean
  readonly trustedImageHosts: readonly string[]
  /** Undefined when names are not looked up. */
  readonly imageDnsUrl: string | undefined
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
  return {
    workerUrl: WORKER_URL,
    apiKeys: API_KEYS,
    isOpen: ENVIRONMENT === 'local' && API_KEYS.length === 0,
    allowHttpImages: IMAGE_ALLOW_HTTP,
    trustedImageHosts: IMAGE_TRUSTED_HOSTS,
    imageDnsUrl: IMAGE_DNS_URL === '' ? undefined : IMAGE_DNS_URL,
  }
}
