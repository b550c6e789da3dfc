import type { FileList, FileObject } from '@loupe/shared/schema'
import { readListFilesQuery } from '@loupe/shared/schema'
import { type Context, Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import type { FileRecord } from '../files/file-shelf.ts'
import { type KeepUploadOptions, keepUpload } from '../files/keep-upload.ts'
import { unknownFile } from '../files/read-file.ts'

/** `POST /v1/files`, `GET /v1/files`, `GET` and `DELETE /v1/files/{id}`, `GET /v1/files/{id}/content`. */
export function fileRoutes(options: KeepUploadOptions) {
  const { files } = options
  const found = async (c: Context<EdgeEnv>, id: string): Promise<FileRecord> => {
    const file = await files.get(c.var.tenant, id)
    if (file === undefined) throw unknownFile(id)
    return file
  }
  return new Hono<EdgeEnv>()
    .post('/', async (c) => c.json<FileObject>(fileObjectOf(await keepUpload(c.req.raw, c.var.tenant, options))))
    .get('/', async (c) => {
      const query = readListFilesQuery(c.req.query())
      const page = await files.list(c.var.tenant, query)
      const data = page.slice(0, query.limit).map(fileObjectOf)
      const ends = { first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null }
      return c.json<FileList>({ object: 'list', data, ...ends, has_more: page.length > query.limit })
    })
    .get('/:id', async (c) => c.json<FileObject>(fileObjectOf(await found(c, c.req.param('id')))))
    .get('/:id/content', async (c) => {
      const { id, bytes } = await found(c, c.req.param('id'))
      const body = await files.read(c.var.tenant, id)
      if (body === undefined) throw unknownFile(id)
      // What somebody has uploaded is no page of ours, whatever it says.
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(bytes) }
      return c.body(body, 200, { ...headers, 'x-content-type-options': 'nosniff' })
    })
    .delete('/:id', async (c) => {
      const id = c.req.param('id')
      if (!(await files.delete(c.var.tenant, id))) throw unknownFile(id)
      return c.json({ id, object: 'file', deleted: true } as const)
    })
}

/** A file as clients read it. */
function fileObjectOf({ id, filename, purpose, bytes, createdMs, expiresMs }: FileRecord): FileObject {
  const expiry = expiresMs === undefined ? {} : { expires_at: Math.floor(expiresMs / 1000) }
  const created = { created_at: Math.floor(createdMs / 1000) }
  return { id, object: 'file', bytes, ...created, ...expiry, filename, purpose, status: 'processed' }
}
