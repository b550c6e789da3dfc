import { AppError } from '@loupe/shared/errors'
import koffi from 'koffi'
import { library } from './library.ts'
import {
  ACTIONS,
  type Action,
  type ArgumentKind,
  type Arguments,
  ERROR_CODES,
  GETTERS,
  type Getter,
  RELEASES,
  type Release,
  STATUS,
} from './table.ts'

/** An address. */
export type Pointer = bigint

/** What a synchronous call takes for a pointer: the memory of a typed array cannot go away before it returns. */
type Memory = Pointer | ArrayBufferView

const C_TYPES: Readonly<Record<ArgumentKind, string>> = {
  pointer: 'void *',
  string: 'const char *',
  strings: 'const char **',
  int: 'int',
  size: 'size_t',
  bool: 'bool',
}

type Native = ReturnType<ReturnType<typeof koffi.load>['func']>
const functions = new Map<string, Native>()

/** Calls a function that only returns a status. */
export function call<N extends Action>(name: N, ...args: Arguments<(typeof ACTIONS)[N], Memory>): void {
  check(name, action(name)(...args))
}

/** Calls a function that writes a pointer or a number, and returns it. */
export function get<N extends Getter>(name: N, ...args: Arguments<(typeof GETTERS)[N], Memory>): bigint {
  // Zero-filled and little-endian, so that an `int` written into it reads back as well.
  const cell = new BigUint64Array(1)
  check(name, getter(name)(...args, cell))
  return cell[0] ?? 0n
}

/**
 * {@link call} on a thread of libuv's pool. Takes addresses only: nothing else would keep the memory of a typed array
 * alive until the call ends, so that is left to the caller.
 */
export async function callAsync<N extends Action>(
  name: N,
  ...args: Arguments<(typeof ACTIONS)[N], Pointer>
): Promise<void> {
  check(name, await onThread(action(name), args))
}

/** {@link get} on a thread of libuv's pool, with the rule of {@link callAsync}. */
export async function getAsync<N extends Getter>(
  name: N,
  ...args: Arguments<(typeof GETTERS)[N], Pointer>
): Promise<bigint> {
  const cell = koffi.alloc('uint64_t', 1) // outside the garbage-collected heap
  try {
    check(name, await onThread(getter(name), [...args, cell]))
    return BigInt(koffi.decode(cell, 'uint64_t'))
  } finally {
    koffi.free(cell)
  }
}

/** Frees an object. */
export function release(name: Release, object: Pointer): void {
  nativeFunction(name, RELEASES[name], 'void')(object)
}

/** The zero-terminated string at an address. */
export function stringAt(address: Pointer): string {
  return koffi.decode.string(address)
}

/** A copy of foreign memory. */
export function copyOf(address: Pointer, bytes: number): ArrayBuffer {
  return bytes === 0 ? new ArrayBuffer(0) : koffi.view(address, bytes).slice(0)
}

/** The address of a typed array's first element. The caller keeps the array alive. */
export function addressOf(data: ArrayBufferView): Pointer {
  return koffi.address(data)
}

function action(name: Action): Native {
  return nativeFunction(name, ACTIONS[name], 'void *')
}

function getter(name: Getter): Native {
  const [slot, ...takes] = GETTERS[name]
  return nativeFunction(name, [slot, ...takes, 'pointer'], 'void *')
}

function nativeFunction(name: string, row: readonly [number, ...ArgumentKind[]], returns: string): Native {
  let found = functions.get(name)
  if (found === undefined) {
    const [slot, ...takes] = row
    const types = takes.map((kind) => C_TYPES[kind])
    found = koffi.decode(library().functionAt(slot), koffi.proto(returns, types)) as Native
    functions.set(name, found)
  }
  return found
}

function onThread(native: Native, args: readonly unknown[]): Promise<Pointer | null> {
  return new Promise((resolve, reject) => {
    native.async(...args, (error: Error | null, status: Pointer | null) => {
      if (error) reject(error)
      else resolve(status)
    })
  })
}

/** A status is null when all went well, else an object to free. */
function check(name: string, status: Pointer | null): void {
  if (!status) return
  const code: number = nativeFunction('GetErrorCode', STATUS.GetErrorCode, 'int')(status)
  const text: string = nativeFunction('GetErrorMessage', STATUS.GetErrorMessage, 'const char *')(status)
  release('ReleaseStatus', status)
  throw new AppError('runtime.failed', `${name}: ${ERROR_CODES[code] ?? code}: ${text.trim()}`)
}
