import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import koffi from 'koffi'

const MADV_DONTNEED = 4

/** What `/proc/self/smaps` begins a mapping of a file with: `7f00-7f10 rw-p 00000000 fe:00 1234   /folder/file`. */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S{3}p \S+ \S+ \S+ +(\/.*)$/m
/** Nothing has been written into it, so that the file has it all. */
const UNCHANGED = /^Anonymous: +0 kB$/m

type Advise = (address: bigint, bytes: bigint, advice: number) => number

let advise: Advise | undefined

/**
 * Takes the pages of a folder's files out of this process. They stay in the system's cache, and come back when they are
 * read. Of use when weights were copied out of them: ONNX Runtime 1.30 keeps the scales of packed blocks mapped, a sixth
 * of a model in 4 bits, and never reads them again. Does nothing where there is no `/proc`.
 *
 * @param folder - its real path
 */
export function dropFilePages(folder: string): void {
  if (process.platform !== 'linux') return
  for (const mapping of readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-)/)) {
    const [, from = '0', to = '0', path = ''] = MAPPING.exec(mapping) ?? []
    if (path !== '' && dirname(path) === folder && UNCHANGED.test(mapping)) drop(BigInt(`0x${from}`), BigInt(`0x${to}`))
  }
}

function drop(from: bigint, to: bigint): void {
  // Whatever the C library is called, the process has it.
  advise ??= koffi.load(null).func('int madvise(uintptr_t address, size_t bytes, int advice)') as Advise
  advise(from, to - from, MADV_DONTNEED)
}
