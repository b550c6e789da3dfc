import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CliIo, parseCommand } from '@loupe/gpu-worker/src/cli/command.ts'
import { preprocess } from '@loupe/gpu-worker/src/cli/preprocess.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simdPipeline } from '../../support/image-pipelines.ts'
import golden from './images.json' with { type: 'json' }

const input = (file: string) => fileURLToPath(new URL(`input/${file}`, import.meta.url))
const row = (file: string) => golden.rows.find((candidate) => candidate.file === file)

/** Runs `loupe preprocess`. @returns the JSON lines on stdout, and stderr */
async function run(...argv: string[]) {
  const written = { stdout: '', stderr: '' }
  const write = (name: keyof typeof written) => (text: string) => {
    written[name] += text
  }
  const io: CliIo = {
    stdin: (async function* () {})(),
    stdout: { write: write('stdout') },
    stderr: { write: write('stderr') },
    signal: new AbortController().signal,
  }
  await preprocess.run(parseCommand(preprocess, argv), io)
  return {
    lines: written.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
    stderr: written.stderr,
  }
}

describe('loupe preprocess', () => {
  let out: string
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'loupe-'))
  })
  afterAll(() => rm(out, { recursive: true, force: true }))

  it('prints one line a file, in order, whatever becomes of each', async () => {
    const files = [input('chelsea-exif6.jpg'), '/dev/null', input('missing.png')]
    const { lines, stderr } = await run(...files)
    expect(lines).toEqual([
      {
        file: files[0],
        format: 'jpeg',
        width: 300,
        height: 451,
        patches_sha256: row('chelsea-exif6.jpg')?.patches_sha256,
        crops: [],
      },
      { file: files[1], error: { code: 'image.empty', message: expect.stringContaining('found none') } },
      { file: files[2], error: { code: 'usage.invalid', message: expect.stringContaining('missing.png') } },
    ])
    expect(stderr).toContain('2 of 3 files failed')
  })

  it('writes what the model sees, the picture and its crops', async () => {
    const { lines } = await run('--pan-and-scan', '--out', out, input('chelsea-wide.png'))
    const expected = row('chelsea-wide.png')
    expect(lines[0].crops).toEqual(expected?.pan_and_scan)
    const seen = async (name: string) => {
      const { digest } = await simdPipeline.preprocess(await readFile(join(out, name)))
      return Buffer.from(digest).toString('hex')
    }
    expect(await seen('chelsea-wide.png')).toBe(expected?.patches_sha256)
    expect(await seen('chelsea-wide.crop-1.png')).toBe(expected?.pan_and_scan[1]?.patches_sha256)
  })

  it('refuses to run without a file', async () => {
    await expect(run()).rejects.toMatchObject({ code: 'usage.invalid' })
  })
})
