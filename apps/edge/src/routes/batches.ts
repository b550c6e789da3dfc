import { AppError } from '@loupe/shared/errors'
import {
  type BatchList,
  type BatchObject,
  type CreateBatchRequest,
  readCreateBatchRequest,
  readListBatchesQuery,
} from '@loupe/shared/schema'
import { type Context, Hono } from 'hono'
import type { BatchStore } from '../batches/batch-store.ts'
import type { EdgeEnv } from '../edge-env.ts'
import type { FileStore } from '../files/file-store.ts'
import { unknownFile } from '../files/read-file.ts'
import { readJson } from '../read-json.ts'
import { newId } from '../responses/new-id.ts'

/** What batches are made with. */
export interface BatchRoutesOptions {
  readonly batches: BatchStore
  readonly files: FileStore
}

const MOST_BODY_BYTES = 65_536
/** The one window there is. */
const WINDOW_MS = 86_400_000

/** `POST /v1/batches`, `GET /v1/batches`, `GET /v1/batches/{id}`, `POST /v1/batches/{id}/cancel`. */
export function batchRoutes({ batches, files }: BatchRoutesOptions) {
  return new Hono<EdgeEnv>()
    .post('/', async (c) => {
      const request = readCreateBatchRequest(await readJson(c.req.raw, MOST_BODY_BYTES))
      await checkInput(files, c.var.tenant, request)
      return c.json<BatchObject>(await createBatch(c, request, batches))
    })
    .get('/', async (c) => {
      const { limit, after } = readListBatchesQuery(c.req.query())
      const page = await batches.ledgerOf(c.var.tenant).list(limit, after)
      const data = page.slice(0, limit)
      const ends = { first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null }
      return c.json<BatchList>({ object: 'list', data, ...ends, has_more: page.length > limit })
    })
    .get('/:id', async (c) => {
      const id = c.req.param('id')
      const batch = await batches.ledgerOf(c.var.tenant).get(id)
      if (batch === undefined) throw unknownBatch(id)
      return c.json<BatchObject>(batch)
    })
    .post('/:id/cancel', async (c) => {
      const id = c.req.param('id')
      const { tenant } = c.var
      const batch = await batches.ledgerOf(tenant).cancel(id)
      if (batch === undefined) throw unknownBatch(id)
      if (batch.status !== 'cancelling' && batch.status !== 'cancelled') {
        throw new AppError(
          'batch.ended',
          `Expected a batch that is validating or in progress, found "${batch.status}".`,
        )
      }
      if (batch.status === 'cancelling') await batches.announce({ tenant, batch: id })
      return c.json<BatchObject>(batch)
    })
}

async function checkInput(files: FileStore, tenant: string, { input_file_id: id }: CreateBatchRequest): Promise<void> {
  const param = 'input_file_id'
  const file = await files.get(tenant, id)
  if (file === undefined) throw unknownFile(id).at(param)
  if (file.purpose === 'batch') return
  throw new AppError('request.invalid', `${param}: expected a file for "batch", found one for "${file.purpose}".`, {
    param,
  })
}

async function createBatch(
  c: Context<EdgeEnv>,
  request: CreateBatchRequest,
  batches: BatchStore,
): Promise<BatchObject> {
  const { tenant, caller, services } = c.var
  const id = newId('batch')
  const createdMs = services.nowMs()
  const times = { createdMs, expiresMs: createdMs + WINDOW_MS }
  const written = { outputId: newId('file'), errorId: newId('file') }
  const created = await batches
    .ledgerOf(tenant)
    .create({ id, tenant, keyId: caller.key?.id, request, ...times, ...written })
  // Should it fail, the ledger announces the batch itself.
  await batches.announce({ tenant, batch: id }).catch(() => undefined)
  return created
}

function unknownBatch(id: string): AppError {
  return new AppError('batch.unknown', `There is no batch "${id.slice(0, 64)}".`)
}
