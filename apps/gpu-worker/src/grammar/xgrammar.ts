import type * as Library from '@mlc-ai/web-xgrammar'

/** As the WebAssembly standard has it. */
const PAGE_BYTES = 65_536

/** The grammar library, alone in its thread. */
export interface Xgrammar {
  readonly library: typeof Library
  /** Memory that it holds. */
  heldBytes(): number
  /** What it said last of a fault, and whether it was refused memory, since the last call. */
  takeFault(): { readonly text: string; readonly isOutOfMemory: boolean }
}

/**
 * Loads XGrammar into this thread. Call it once, and only in a thread that may be lost: a grammar that it cannot read
 * aborts the whole WebAssembly module.
 *
 * @param memoryBytes - the most that it may hold
 */
export async function loadXgrammar(memoryBytes: number): Promise<Xgrammar> {
  const memory = limitMemory(memoryBytes)
  const said: string[] = []
  // Its only way to say what is wrong with a grammar.
  console.error = (...words: unknown[]) => said.push(words.join(' '))
  // The package is a script for browsers: it asks for its own address, which no thread of Node has, and leaves its
  // exports in the global scope.
  Object.assign(globalThis, { location: { href: import.meta.url } })
  await import('@mlc-ai/web-xgrammar')
  const { xgrammar: library } = globalThis as unknown as { xgrammar: typeof Library } // as the package's first lines say
  return {
    library,
    heldBytes: memory.heldBytes,
    takeFault() {
      const text = said.splice(0).find((line) => line.startsWith('[FATAL]')) ?? ''
      return { text: withoutPlace(text), isOutOfMemory: memory.takeRefusal() }
    },
  }
}

/** `[FATAL] /somebody's/path/file.cc:75: what is wrong` */
function withoutPlace(line: string): string {
  return line.replace(/^\[FATAL\] (\S+:\d+: )?/, '').trim()
}

/** What the compiler's libraries do not declare outside of browsers. */
interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** The module takes memory as it needs it, up to 2 GiB; this thread refuses it more than its share. */
function limitMemory(memoryBytes: number) {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: { prototype: WasmMemory } } }).WebAssembly
  let held = 0
  let wasRefused = false
  const { grow } = Memory.prototype
  Memory.prototype.grow = function limited(this: WasmMemory, pages: number): number {
    const wanted = this.buffer.byteLength + pages * PAGE_BYTES
    wasRefused ||= wanted > memoryBytes
    if (wanted > memoryBytes) throw new RangeError(`expected at most ${memoryBytes} bytes, found ${wanted}`)
    held = wanted
    return grow.call(this, pages)
  }
  return {
    heldBytes: () => held,
    takeRefusal() {
      const refused = wasRefused
      wasRefused = false
      return refused
    },
  }
}
