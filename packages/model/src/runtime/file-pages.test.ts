import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'
import { afterAll, describe, expect, it } from 'vitest'
import { dropFilePages } from './file-pages.ts'
import { library } from './library.ts'

library() // sets koffi up, before it loads anything else
const PROT_READ_WRITE = 3
const MAP_PRIVATE = 2
const BYTES = 1024 * 1024

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'loupe-pages-')))
const path = join(folder, 'weights')
writeFileSync(path, Buffer.alloc(BYTES, 7))
afterAll(() => rmSync(folder, { recursive: true }))

/** The file as ONNX Runtime maps it. */
async function mapFile(): Promise<Uint8Array> {
  await using file = await open(path, 'r')
  const signature = 'uintptr_t mmap(uintptr_t at, size_t bytes, int access, int kind, int file, int64_t offset)'
  const address = koffi.load(null).func(signature)(0, BYTES, PROT_READ_WRITE, MAP_PRIVATE, file.fd, 0)
  return new Uint8Array(koffi.view(BigInt(address), BYTES))
}

function residentKilobytes(): number {
  const [, mapping = ''] = readFileSync('/proc/self/smaps', 'utf8').split(path)
  return Number(/^Rss: +(\d+) kB$/m.exec(mapping)?.[1])
}

describe.skipIf(process.platform !== 'linux')('dropFilePages (reads /proc)', () => {
  it('takes pages out of the process that can be read again, and none that were written to', async () => {
    const mapped = await mapFile()
    expect(mapped.every((byte) => byte === 7)).toBe(true)
    expect(residentKilobytes()).toBe(BYTES / 1024)
    dropFilePages(join(folder, 'elsewhere'))
    expect(residentKilobytes()).toBe(BYTES / 1024)
    dropFilePages(folder)
    expect(residentKilobytes()).toBe(0)
    expect(mapped.every((byte) => byte === 7)).toBe(true)
    mapped[0] = 8
    dropFilePages(folder)
    expect([mapped[0], mapped[1]]).toEqual([8, 7])
  })
})
