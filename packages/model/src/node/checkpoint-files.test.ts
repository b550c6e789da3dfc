import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCheckpoint } from '../weights/checkpoint.ts'
import { encodeSafetensors } from '../weights/safetensors-encode.ts'
import { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts'

describe('checkpointFiles', () => {
  let root: string
  let files: CheckpointFiles

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'loupe-files-')))
    const snapshot = join(root, 'snapshot')
    await mkdir(join(snapshot, 'folder'), { recursive: true })
    await writeFile(
      join(root, 'blob'),
      encodeSafetensors(new Map([['a', { dtype: 'U8', shape: [3], data: Uint8Array.of(7, 8, 9) }]])),
    )
    await symlink('../blob', join(snapshot, 'model.safetensors'))
    await symlink('gone', join(snapshot, 'dangling'))
    await writeFile(join(snapshot, 'config.json'), '{}')
    await symlink(snapshot, join(root, 'link'))
    files = await checkpointFiles(join(root, 'link'))
  })

  afterAll(() => rm(root, { recursive: true, force: true }))

  it('resolves the links that a hub cache is made of', async () => {
    expect(files.directory).toBe(join(root, 'snapshot'))
    expect(await files.realPath('model.safetensors')).toBe(join(root, 'blob'))
  })

  it('reads the bytes that a checkpoint points at', async () => {
    const location = (await openCheckpoint(files)).tensors.get('a')
    expect(location).toMatchObject({ file: 'model.safetensors', bytes: 3 })
    expect(await files.read('model.safetensors', location?.offset ?? 0, 3)).toEqual(Uint8Array.of(7, 8, 9))
  })

  it('knows the size of a file, and that there is none', async () => {
    expect(await files.size('config.json')).toBe(2)
    expect(await files.size('generation_config.json')).toBeUndefined()
    expect(await files.size('dangling')).toBeUndefined()
  })

  it.each([
    [0, 3],
    [2, 1],
    [-1, 1],
    [0, -1],
    [Number.NaN, 1],
    [2 ** 53, 1],
  ])('refuses to read bytes outside of the file: %d, %d', async (offset, length) => {
    await expect(files.read('config.json', offset, length)).rejects.toMatchObject({ code: 'weights.invalid' })
  })

  it.each(['../blob', '..', '.', '', 'folder/x', '/etc/hostname', 'a\0b'])('refuses the name %j', async (name) => {
    await expect(files.size(name)).rejects.toThrow('Expected a plain file name')
    await expect(files.read(name, 0, 0)).rejects.toThrow('Expected a plain file name')
  })

  it('refuses a folder in the place of a file', async () => {
    await expect(files.size('folder')).rejects.toThrow('expected a file, found something else')
  })

  it('fails with a clear error when a file or the directory is not there', async () => {
    await expect(files.read('absent', 0, 1)).rejects.toThrow('Expected absent in')
    await expect(checkpointFiles(join(root, 'absent'))).rejects.toMatchObject({ code: 'weights.invalid' })
  })
})
