import { AppError } from '@loupe/shared/errors'
import { type Pointer, release } from './ffi.ts'
import type { Release } from './table.ts'

/**
 * A native object and the number of its users: its {@link Handle}, runs in flight, and objects made from it. It is freed
 * when the last user lets go, so disposing things in the wrong order, or during a run, is harmless.
 */
class NativeObject {
  readonly pointer: Pointer
  readonly #release: Release
  readonly #owner: NativeObject | undefined
  #users = 1

  constructor(pointer: Pointer, releaseName: Release, owner: NativeObject | undefined) {
    this.pointer = pointer
    this.#release = releaseName
    this.#owner = owner
    owner?.retain()
    live += 1
  }

  retain(): void {
    this.#users += 1
  }

  drop(): void {
    this.#users -= 1
    if (this.#users > 0) return
    live -= 1
    release(this.#release, this.pointer)
    this.#owner?.drop()
  }
}

let live = 0

/** The safety net for a handle that nobody disposed: its object is freed some time after it became unreachable. */
const forgotten = new FinalizationRegistry<NativeObject>((object) => object.drop())

/** The number of native objects that have not been freed. Constant in a healthy server at rest. */
export function liveHandles(): number {
  return live
}

/** JavaScript's hold on one native object. */
export class Handle implements Disposable {
  readonly #what: string
  readonly #object: NativeObject
  #disposed = false

  /**
   * @param what - named in errors: `session`
   * @param owner - an object that must outlive this one
   */
  constructor(what: string, pointer: Pointer, releaseName: Release, owner?: Handle) {
    this.#what = what
    this.#object = new NativeObject(pointer, releaseName, owner === undefined ? undefined : owner.#open())
    forgotten.register(this, this.#object, this)
  }

  /** @throws AppError `runtime.failed` after `dispose` */
  get pointer(): Pointer {
    return this.#open().pointer
  }

  /**
   * Keeps the native object alive, even past `dispose`, until the result is disposed.
   *
   * @throws AppError `runtime.failed` after `dispose`
   */
  retain(): Disposable {
    const object = this.#open()
    object.retain()
    return { [Symbol.dispose]: () => object.drop() }
  }

  /** Frees the object, or lets its last user free it. Doing so twice is allowed. */
  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    forgotten.unregister(this)
    this.#object.drop()
  }

  #open(): NativeObject {
    if (this.#disposed) throw new AppError('runtime.failed', `The ${this.#what} was used after it was disposed.`)
    return this.#object
  }
}
