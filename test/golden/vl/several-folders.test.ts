/** A checkpoint whose shards are links to files in several folders, as a hub cache with a moved blob or two disks has. */
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSafetensors, encodeSafetensors } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { caseDirectory, expectedTensor, readCase, TOLERANCE, worstUnpadded } from './golden-case.ts'

const CASE = 'text-only'

let root: string
let snapshot: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loupe-folders-'))
  snapshot = join(root, 'snapshot')
  await mkdir(snapshot)
  await copyFile(join(caseDirectory(CASE), 'config.json'), join(snapshot, 'config.json'))
  const tensors = [...decodeSafetensors(await readFile(join(caseDirectory(CASE), 'model.safetensors')))]
  const weightMap: Record<string, string> = {}
  for (const [index, folder] of ['blobs', 'another disk/deep', 'third'].entries()) {
    const own = tensors.filter((_, place) => place % 3 === index)
    const shard = `model-0000${index + 1}-of-00003.safetensors`
    await mkdir(join(root, folder), { recursive: true })
    const target = join(root, folder, `${index}`.repeat(40))
    await writeFile(target, encodeSafetensors(new Map(own)))
    await symlink(target, join(snapshot, shard))
    for (const [name] of own) weightMap[name] = shard
  }
  await writeFile(join(snapshot, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }))
})
afterAll(() => rm(root, { recursive: true }))

it.each([undefined, 'bf16'] as const)('is loaded from where its files are, held as %s', async (dtype) => {
  const golden = await readCase(CASE)
  const held = dtype === undefined ? {} : { dtype: { language: dtype }, cacheDirectory: join(root, 'cache') }
  using model = await loadGemma3VL(snapshot, { threads: 1, ...held })
  const { logits } = await model.forward({ ...golden, returnLogits: true })
  const tolerance = dtype === undefined ? TOLERANCE.default : 0.2
  expect(worstUnpadded(golden, logits, expectedTensor(golden, 'logits'))).toBeLessThan(tolerance)
})
