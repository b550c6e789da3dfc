import { execFile } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeSafetensors, parseGemma3Config } from '@loupe/model'
import { expect, it } from 'vitest'
import { gemma3Ggufs } from '../../support/gemma3-gguf.ts'
import { caseDirectory } from '../vl/golden-case.ts'

const MAIN = join(import.meta.dirname, '../../../apps/gpu-worker/src/main.ts')

it('loupe inspect tells of a pair of GGUF files what it tells of a checkpoint', async () => {
  const source = caseDirectory('one-image')
  const config = parseGemma3Config(JSON.parse(await readFile(join(source, 'config.json'), 'utf8')))
  const tensors = decodeSafetensors(await readFile(join(source, 'model.safetensors')))
  const pair = gemma3Ggufs(tensors, config, { matrices: 'F16', swapFfn: true })
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'loupe-gguf-')))
  try {
    const [language, mmproj] = [join(directory, 'model.gguf'), join(directory, 'mmproj.gguf')]
    await writeFile(language, pair.language)
    await writeFile(mmproj, pair.vision)
    const options = ['inspect', '--json', '--model', language, '--mmproj', mmproj]
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...options])
    const report = JSON.parse(stdout)
    const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength / 4, 0)
    expect(report).toMatchObject({ directory, config: { kind: 'vision-language', tokensPerImage: 4 } })
    expect(report.totals).toMatchObject({ tensors: tensors.size, files: 2, parameters })
    expect(report.tensors).toContainEqual({
      name: 'vision_tower.encoder.layers.*.mlp.fc1.weight',
      count: 3,
      dtype: 'F16',
      shape: [44, 24],
      parameters: 3 * 44 * 24,
      bytes: 3 * 44 * 24 * 2,
    })
  } finally {
    await rm(directory, { recursive: true })
  }
})
