import { objectNamespace } from '../durable-objects.ts'
import type { KeyAccount, KeyBook } from './key-book.ts'
import type { KeyDirectoryObject } from './key-directory-object.ts'
import type { KeyObject } from './key-object.ts'
import { reachObject } from './reach-object.ts'

/** There is one directory. */
const DIRECTORY = 'all'

/** The keys in Durable Objects. @throws AppError `config.invalid` when a binding is missing */
export function createObjectKeyBook(env: Readonly<Record<string, unknown>>): KeyBook {
  const keys = objectNamespace<KeyObject>(env, 'KEYS')
  const directories = objectNamespace<KeyDirectoryObject>(env, 'KEY_DIRECTORY')
  const directory = () => directories.getByName(DIRECTORY)
  return {
    accountOf(id): KeyAccount {
      const key = keys.getByName(id)
      return {
        open: (record) => reachObject(() => key.open(record)),
        admit: (ask) => reachObject(() => key.admit(ask)),
        reserve: (ask) => reachObject(() => key.reserve(ask)),
        settle: (ask) => reachObject(() => key.settle(ask)),
        revoke: () => reachObject(() => key.revoke()),
        describe: () => reachObject(() => key.describe()),
      }
    },
    directory: {
      put: (key) => reachObject(() => directory().put(key)),
      touch: (id, hourMs) => reachObject(() => directory().touch(id, hourMs)),
      list: (query) => reachObject(() => directory().list(query)),
    },
  }
}
