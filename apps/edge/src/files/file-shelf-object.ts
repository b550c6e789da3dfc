import { DurableObject } from 'cloudflare:workers'
import type { ListFilesQuery } from '@loupe/shared/schema'
import type { ObjectState } from '../durable-objects.ts'
import { LIMITS } from '../limits.ts'
import type { BlobStore } from './blob-store.ts'
import { type FileRecord, FileShelf } from './file-shelf.ts'
import { blobKey } from './file-store.ts'
import { createR2BlobStore } from './r2-blob-store.ts'

const TENANT = 'tenant'

/** The files of one tenant: what they are. Their bytes lie in R2, and go when the object's alarm says so. */
export class FileShelfObject extends DurableObject {
  readonly #shelf: FileShelf
  readonly #blobs: BlobStore

  constructor(state: ObjectState, env: Readonly<Record<string, unknown>>) {
    super(state, env)
    const { storage } = state
    const database = {
      exec: <Row>(query: string, ...bindings: (string | number | null)[]) => storage.sql.exec<Row>(query, ...bindings),
      transaction: <T>(work: () => T) => storage.transactionSync(work),
    }
    this.#shelf = new FileShelf(database, LIMITS.storedFilesBytes, () => Date.now())
    this.#blobs = createR2BlobStore(env, 'FILES')
  }

  async begin(id: string, tenant: string): Promise<void> {
    this.ctx.storage.kv.put(TENANT, tenant)
    this.#shelf.begin(id)
    await this.#wake()
  }

  async keep(file: FileRecord): Promise<boolean> {
    const isKept = this.#shelf.keep(file)
    await this.#wake()
    return isKept
  }

  get(id: string): FileRecord | undefined {
    return this.#shelf.get(id)
  }

  list(query: ListFilesQuery): FileRecord[] {
    return this.#shelf.list(query)
  }

  async drop(id: string): Promise<boolean> {
    const wasThere = this.#shelf.drop(id)
    await this.#wake()
    return wasThere
  }

  forget(id: string): void {
    this.#shelf.forget(id)
  }

  /** Called by the runtime when something is due. */
  async alarm(): Promise<void> {
    const tenant = this.ctx.storage.kv.get<string>(TENANT) ?? ''
    for (const id of this.#shelf.due()) {
      await this.#blobs.delete(blobKey(tenant, id))
      this.#shelf.forget(id)
    }
    await this.#wake()
  }

  /** Not at once: who has dropped a file is about to delete its bytes. */
  async #wake(): Promise<void> {
    const next = this.#shelf.nextMs()
    if (next !== undefined) await this.ctx.storage.setAlarm(Math.max(next, Date.now() + 10_000))
  }
}
