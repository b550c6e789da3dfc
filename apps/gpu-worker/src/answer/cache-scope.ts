import type { GenerateParameters } from '@loupe/shared/wire'

/** Requests that name no tenant share one. */
export const NO_TENANT = ''

/** Who shares what is remembered: a tenant, or those of its requests that have one salt. */
export function cacheScope({ tenant = NO_TENANT, cache_salt: salt }: GenerateParameters): string {
  return salt === undefined ? tenant : JSON.stringify([tenant, salt])
}
