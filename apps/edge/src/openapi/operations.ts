import { CHAT_OPERATIONS } from './chat-operations.ts'
import { FILE_OPERATIONS } from './file-operations.ts'
import { KEY_OPERATIONS } from './key-operations.ts'
import type { Operation } from './operation.ts'
import { RESPONSE_OPERATIONS } from './response-operations.ts'

/** Every method of every address that does something. One that is not here, or not in the app, fails a test. */
export const OPERATIONS: readonly Operation[] = [
  ...CHAT_OPERATIONS,
  ...RESPONSE_OPERATIONS,
  ...FILE_OPERATIONS,
  ...KEY_OPERATIONS,
]
