/** The folders that Hugging Face's tools keep: a snapshot of links to files that are named by their content. */
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadGemma3VL } from '@loupe/model/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { caseDirectory, expectedTensor, readCase, TOLERANCE, worstUnpadded } from './golden-case.ts'

const CASE = 'text-only'
const FILES = ['config.json', 'generation_config.json', 'model.safetensors'] as const

/** Of POSIX; Node makes no pipes with a name. */
const MAKE_PIPE = 'mkfifo'

let root: string
let snapshot: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-hub-'))
  const model = join(root, 'models--google--gemma-3-4b-it')
  snapshot = join(model, 'snapshots', '093f9f388b31de276ce2de164bdc2081324b9767')
  await mkdir(snapshot, { recursive: true })
  await mkdir(join(model, 'blobs'))
  for (const [index, name] of FILES.entries()) {
    await copyFile(join(caseDirectory(CASE), name), join(model, 'blobs', `${index}`.repeat(40)))
    await symlink(join('..', '..', 'blobs', `${index}`.repeat(40)), join(snapshot, name))
  }
})
afterEach(() => rm(root, { recursive: true }))

describe('a snapshot of a hub cache', () => {
  it('is loaded, also through a link to it', async () => {
    await symlink(snapshot, join(root, 'current'))
    const golden = await readCase(CASE)
    for (const path of [snapshot, join(root, 'current')]) {
      using model = await loadGemma3VL(path, { threads: 1 })
      const { logits } = await model.forward({ ...golden, returnLogits: true })
      expect(worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))).toBeLessThan(TOLERANCE.default)
    }
  })

  it.each<[string, (path: string) => unknown]>([
    ['leads nowhere', (path) => symlink('gone', path)],
    ['leads to itself', (path) => symlink('model.safetensors', path)],
    ['leads to a folder', (path) => symlink('..', path)],
    ['leads to a device without end', (path) => symlink('/dev/zero', path)],
    ['is a pipe that nobody writes to', (path) => execFileSync(MAKE_PIPE, [path])],
  ])('whose weights are a link that %s is refused', async (_, replace) => {
    const path = join(snapshot, 'model.safetensors')
    await unlink(path)
    await replace(path)
    await expect(loadGemma3VL(snapshot)).rejects.toMatchObject({ code: 'weights.invalid' })
  })

  it.each<[string, (path: string) => unknown]>([
    ['leads nowhere', (path) => symlink('gone', path)],
    ['leads to itself', (path) => symlink('config.json', path)],
    ['leads to a folder', (path) => symlink('..', path)],
  ])('whose config is a link that %s is refused', async (_, replace) => {
    const path = join(snapshot, 'config.json')
    await unlink(path)
    await replace(path)
    await expect(loadGemma3VL(snapshot)).rejects.toMatchObject({
      code: expect.stringMatching(/^(config|weights)\.invalid$/),
    })
  })
})
