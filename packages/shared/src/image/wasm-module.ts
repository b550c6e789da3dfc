/**
 * A compiled WebAssembly module: what `import module from './x.wasm'` gives on workerd and {@link compileWasm} elsewhere.
 *
 * Spelt as an opaque type, and `WebAssembly` reached through `globalThis`, because Node's type declarations do not
 * know `WebAssembly` and this package must compile without a browser's.
 */
export type WasmModule = object

/** Functions a module imports, by module and name. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, (...args: number[]) => number>>>>

interface WebAssemblyGlobal {
  readonly compile: (bytes: Uint8Array) => Promise<WasmModule>
  readonly Instance: new (module: WasmModule, imports: WasmImports) => { readonly exports: object }
  readonly RuntimeError: new () => Error
}

/** Linear memory; `buffer` is replaced when it grows. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal }

/** Compiles a module from its bytes. Not possible on workerd, where modules are imported. */
export function compileWasm(bytes: Uint8Array): Promise<WasmModule> {
  return WebAssembly.compile(bytes)
}

/**
 * A new instance with its own memory.
 *
 * @typeParam E - the module's exports. Trusted: the modules are pinned by hash in the lock file or compiled here.
 */
export function instantiate<E extends object>(module: WasmModule, imports: WasmImports): E {
  return new WebAssembly.Instance(module, imports).exports as E
}

/** Whether an exception is a WebAssembly trap: out of bounds, unreachable, and the like. */
export function isTrap(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError
}
