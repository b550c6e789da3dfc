/** The part of the runtime's own module that is used here. */
declare module 'cloudflare:workers' {
  /** @see https://developers.cloudflare.com/durable-objects/api/base/ */
  export abstract class DurableObject {
    protected readonly ctx: import('./durable-objects.ts').ObjectState
    protected readonly env: Readonly<Record<string, unknown>>
    constructor(ctx: import('./durable-objects.ts').ObjectState, env: Readonly<Record<string, unknown>>)
  }
}
