import { type ApiKeyDetails, apiKeyDetails, type CreatedApiKey, createdApiKey } from '@loupe/shared/schema'
import { createTestApp, type TestApp, type TestAppOptions } from './test-app.ts'

/** The admin key of tests. */
export const ADMIN_KEY = 'the-admin-key-of-the-tests-32-letters'

/** An app that takes managed keys only, and its admin. */
export interface KeyedApp extends TestApp {
  /** Calls an admin route with the admin key. */
  admin(path: string, init?: RequestInit): Promise<Response>
  /** Makes a key; name and owner are filled in. */
  createKey(fields?: Readonly<Record<string, unknown>>): Promise<CreatedApiKey>
  describeKey(id: string): Promise<ApiKeyDetails>
}

/** Makes the app of a test about keys. */
export async function createKeyedApp(options: TestAppOptions = {}): Promise<KeyedApp> {
  const config = { isOpen: false, apiKeys: [], adminKey: ADMIN_KEY, ...options.config }
  const app = await createTestApp({ ...options, config })
  const admin = (path: string, init?: RequestInit) => app.request(path, { ...bearer(ADMIN_KEY), ...init })
  return {
    ...app,
    admin,
    async createKey(fields = {}) {
      const body = JSON.stringify({ name: 'a key', owner: 'acme', ...fields })
      const reply = await admin('/admin/keys', { method: 'POST', body })
      if (reply.status !== 201) throw new Error(await reply.text())
      return createdApiKey.parse(await reply.json())
    },
    async describeKey(id) {
      return apiKeyDetails.parse(await (await admin(`/admin/keys/${id}`)).json())
    },
  }
}

/** The header of a request with this key. */
export function bearer(key: string) {
  return { headers: { authorization: `Bearer ${key}` } }
}
