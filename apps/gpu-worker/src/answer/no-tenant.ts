/** Requests that name no tenant share one. */
export const NO_TENANT = ''
