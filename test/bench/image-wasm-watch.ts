/** What the WebAssembly instances of one run did. */
export interface WasmWork {
  /** Milliseconds inside each exported function. */
  readonly ms: ReadonlyMap<string, number>
  /** Bytes of memory of the instances that were called. */
  readonly heldBytes: number
}

interface Exports {
  readonly memory?: { readonly buffer: ArrayBuffer }
  readonly [name: string]: unknown
}

interface WebAssemblyGlobal {
  Instance: new (module: object, imports: object) => { readonly exports: Exports }
}

// Node's type declarations do not know `WebAssembly`.
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal }

/**
 * From now on, instances tell what they do. To be called before any is made.
 *
 * @returns takes what was done since it was called before
 */
export function watchWasm(): () => WasmWork {
  const ms = new Map<string, number>()
  const called = new Map<Exports, number>()
  const watched = (exports: Exports): Exports => {
    const entries = Object.entries(exports).map(([name, value]) => {
      if (typeof value !== 'function') return [name, value] as const
      const call = (...args: unknown[]): unknown => {
        const startMs = performance.now()
        try {
          return value(...args)
        } finally {
          ms.set(name, (ms.get(name) ?? 0) + performance.now() - startMs)
          called.set(exports, exports.memory?.buffer.byteLength ?? 0)
        }
      }
      return [name, call] as const
    })
    return Object.fromEntries(entries)
  }
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
    construct: (target, [module, imports]) => ({ exports: watched(new target(module, imports).exports) }),
  })
  return () => {
    const work = { ms: new Map(ms), heldBytes: [...called.values()].reduce((sum, bytes) => sum + bytes, 0) }
    ms.clear()
    called.clear()
    return work
  }
}
