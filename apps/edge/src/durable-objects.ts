import { AppError } from '@loupe/shared/errors'

/** The storage of a Durable Object with SQLite; every call is synchronous, and a reply waits until it is on disk. */
interface ObjectStorage {
  readonly kv: {
    get<T>(key: string): T | undefined
    put(key: string, value: unknown): void
    delete(key: string): boolean
  }
  readonly sql: {
    exec<Row>(query: string, ...bindings: (string | number | null)[]): { toArray(): Row[] }
  }
  setAlarm(atMs: number): Promise<void>
  /** All of it or nothing of it. */
  transactionSync<T>(work: () => T): T
  deleteAll(): Promise<void>
}

/** What a Durable Object is given. @see https://developers.cloudflare.com/durable-objects/api/state/ */
export interface ObjectState {
  readonly storage: ObjectStorage
  blockConcurrencyWhile<T>(work: () => Promise<T>): Promise<T>
}

/** The methods of a Durable Object, called from elsewhere. */
type ObjectStub<T> = {
  readonly [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]: T[Name] extends (
    ...args: infer Arguments
  ) => infer Result
    ? (...args: Arguments) => Promise<Awaited<Result>>
    : never
}

/** All Durable Objects of one class. */
export interface ObjectNamespace<T> {
  getByName(name: string): ObjectStub<T>
}

/**
 * A binding to the Durable Objects of one class.
 *
 * @throws AppError `config.invalid` when the deployment lacks it
 */
export function objectNamespace<T>(env: Readonly<Record<string, unknown>>, binding: string): ObjectNamespace<T> {
  const value = env[binding]
  if (typeof value === 'object' && value !== null && 'getByName' in value) {
    return value as ObjectNamespace<T> // which class is behind the name, only wrangler.jsonc knows
  }
  throw new AppError('config.invalid', `${binding}: expected a binding to Durable Objects, found none.`)
}
