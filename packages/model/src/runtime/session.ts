import { realpath } from 'node:fs/promises'
import { AppError } from '@loupe/shared/errors'
import type { IoInfo, LoadOptions, RuntimeBinding, RuntimeSession } from '../graph/runtime.ts'
import { OrtBinding } from './binding.ts'
import { cancellable } from './cancellation.ts'
import { environment } from './environment.ts'
import { addressOf, call, getAsync, type Pointer } from './ffi.ts'
import { dropFilePages } from './file-pages.ts'
import { Handle } from './handle.ts'
import { describeIo } from './io-info.ts'
import { readAhead } from './read-ahead.ts'
import type { RunQueue } from './run-queue.ts'
import { createSessionOptions, type SessionSettings } from './session-options.ts'

/** Strong roots: models that another thread is reading. */
const loading = new Set<Uint8Array>()

/**
 * Loads a model on another thread.
 *
 * @throws AppError `request.cancelled` when the signal aborts; `runtime.failed` when the model or its weights are not valid
 */
export async function loadSession(
  model: Uint8Array,
  settings: SessionSettings,
  queue: RunQueue,
  { weightsFolder, prepack, reads = [], signal }: LoadOptions,
): Promise<OrtSession> {
  const bytes = model.slice() // before anything is awaited: the caller may reuse the original at once
  const folder = await realFolder(weightsFolder)
  using options = createSessionOptions(settings, { weightsFolder: folder, prepack })
  const stop = () => call('SessionOptionsSetLoadCancellationFlag', options.pointer, true)
  using ahead = new DisposableStack()
  if (folder !== undefined) ahead.use(readAhead(folder, reads))
  const pointer = await cancellable(signal, stop, () => createSession(bytes, options.pointer))
  const session = new OrtSession(new Handle('session', pointer, 'ReleaseSession'), queue, settings.device !== 'cpu')
  // What was packed has been read, and will not be again.
  if (folder !== undefined && prepack) dropFilePages(folder)
  return session
}

/** A loaded model. */
export class OrtSession implements RuntimeSession {
  readonly inputs: readonly IoInfo[]
  readonly outputs: readonly IoInfo[]
  readonly #handle: Handle
  readonly #queue: RunQueue
  readonly #copiesInputs: boolean

  /**
   * Takes over the handle.
   *
   * @param copiesInputs - whether binding an input copies it to a device
   */
  constructor(handle: Handle, queue: RunQueue, copiesInputs: boolean) {
    this.#handle = handle
    this.#queue = queue
    this.#copiesInputs = copiesInputs
    try {
      this.inputs = describeIo(handle.pointer, 'Input')
      this.outputs = describeIo(handle.pointer, 'Output')
    } catch (error) {
      handle[Symbol.dispose]()
      throw error
    }
  }

  bind(): RuntimeBinding {
    const { inputs, outputs } = this
    return new OrtBinding({
      session: this.#handle,
      inputs,
      outputs,
      queue: this.#queue,
      copiesInputs: this.#copiesInputs,
    })
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}

async function createSession(model: Uint8Array, options: Pointer): Promise<Pointer> {
  loading.add(model)
  try {
    return await getAsync('CreateSessionFromArray', environment(), addressOf(model), model.byteLength, options)
  } finally {
    loading.delete(model)
  }
}

/** ONNX Runtime refuses weights whose real path leaves the folder, so the folder itself must be real. */
async function realFolder(folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined) return undefined
  try {
    return await realpath(folder)
  } catch (cause) {
    throw new AppError('runtime.failed', `The weights folder ${folder} cannot be opened.`, { cause })
  }
}
