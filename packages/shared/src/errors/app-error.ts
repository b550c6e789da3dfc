import { ERRORS, type ErrorCode, type ErrorEntry } from './catalog.ts'

const MARKER = Symbol.for('loupe.AppError')

/** What an {@link AppError} may carry besides its code. */
export interface AppErrorOptions {
  /** The part of the request at fault, as a JSON path: `messages[2].content[1].image_url`. */
  readonly param?: string
  /** Machine-readable facts, for example the list of missing digests. Sent to the client. */
  readonly facts?: Readonly<Record<string, unknown>>
  /** Wait before a retry, milliseconds; infinite when no wait helps. */
  readonly retryAfterMs?: number
  /** The underlying fault. Logged, never sent. */
  readonly cause?: unknown
}

/**
 * The one error class of Loupe: a code of the catalog and a detail that says what was expected and what was found.
 *
 * Throw it where the fault is known; convert it once at each edge (an HTTP app, the command line).
 */
export class AppError extends Error {
  /** Which fault it is: the stable key of its row in the catalog. */
  readonly code: ErrorCode
  /** Expected and found, for the person who reads it. Empty when the title says all. */
  readonly detail: string
  /** The part of the request at fault, as a JSON path. */
  readonly param: string | undefined
  /** Machine-readable facts. Sent to the client. */
  readonly facts: Readonly<Record<string, unknown>> | undefined
  /** How long to wait before a retry, milliseconds. */
  readonly retryAfterMs: number | undefined

  /** @param detail - what was expected and what was found; the title of the code when it is left out */
  constructor(code: ErrorCode, detail = '', options: AppErrorOptions = {}) {
    super(
      detail === '' ? ERRORS[code].title : detail,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = 'AppError'
    this.code = code
    this.detail = detail
    this.param = options.param
    this.facts = options.facts
    this.retryAfterMs = options.retryAfterMs
    Object.defineProperty(this, MARKER, { value: true })
  }

  /** The catalog row of this error's code. */
  get entry(): ErrorEntry {
    return ERRORS[this.code]
  }

  /** True for an AppError of any copy of this package. */
  static isInstance(value: unknown): value is AppError {
    return typeof value === 'object' && value !== null && MARKER in value
  }

  /** Anything thrown, as an AppError: unknown faults become `internal` with the original as their cause. */
  static from(value: unknown): AppError {
    if (AppError.isInstance(value)) return value
    return new AppError('internal', '', { cause: value })
  }

  /** The same error, pointing at a part of the request. Keeps an existing `param`. */
  at(param: string): AppError {
    return new AppError(this.code, this.detail, {
      param: this.param ?? param,
      ...(this.facts === undefined ? {} : { facts: this.facts }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      cause: this.cause,
    })
  }
}
