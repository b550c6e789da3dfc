import type { Caller } from '../keys/caller.ts'

/**
 * Requests that the edge makes to itself, and for whom. Known by the object, which nobody outside can have: there is no
 * header or key for it.
 */
export type Insiders = WeakMap<Request, Caller>
