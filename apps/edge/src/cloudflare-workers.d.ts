/** The part of the runtime's own module that is used here. */
declare module 'cloudflare:workers' {
  import type { ObjectState } from './durable-objects.ts'

  /** @see https://developers.cloudflare.com/durable-objects/api/base/ */
  export abstract class DurableObject {
    protected readonly ctx: ObjectState
    protected readonly env: Readonly<Record<string, unknown>>
    constructor(ctx: ObjectState, env: Readonly<Record<string, unknown>>)
  }
}
