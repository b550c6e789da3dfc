import { DurableObject } from 'cloudflare:workers'
import type { ObjectState } from '../durable-objects.ts'
import type { DirectoryQuery } from './key-book.ts'
import type { ListedKey } from './key-record.ts'

/** Which keys there are: one Durable Object for all, which no request but those of the admin routes waits for. */
export class KeyDirectoryObject extends DurableObject {
  constructor(ctx: ObjectState, env: Readonly<Record<string, unknown>>) {
    super(ctx, env)
    const { sql } = ctx.storage
    sql.exec('CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, owner TEXT, created_ms INTEGER, card TEXT) STRICT')
    sql.exec('CREATE INDEX IF NOT EXISTS newest ON keys (created_ms DESC, id DESC)')
    sql.exec('CREATE INDEX IF NOT EXISTS newest_of_owner ON keys (owner, created_ms DESC, id DESC)')
  }

  put(key: ListedKey): void {
    const insert = 'INSERT OR REPLACE INTO keys (id, owner, created_ms, card) VALUES (?, ?, ?, ?)'
    this.ctx.storage.sql.exec(insert, key.id, key.owner, key.createdMs, JSON.stringify(key))
  }

  touch(id: string, hourMs: number): void {
    const update = "UPDATE keys SET card = json_set(card, '$.lastUsedMs', ?) WHERE id = ?"
    this.ctx.storage.sql.exec(update, hourMs, id)
  }

  list({ limit, after, owner }: DirectoryQuery): ListedKey[] {
    const query = `SELECT card FROM keys
      WHERE (?1 IS NULL OR owner = ?1)
        AND (?2 IS NULL OR (created_ms, id) < (SELECT created_ms, id FROM keys WHERE id = ?2))
      ORDER BY created_ms DESC, id DESC LIMIT ?3`
    const rows = this.ctx.storage.sql.exec<{ card: string }>(query, owner ?? null, after ?? null, limit + 1)
    return rows.toArray().map(({ card }) => JSON.parse(card))
  }
}
