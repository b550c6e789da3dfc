import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/** Compressed size that the edge stays under. A Worker may be far larger; a small one starts faster. */
const MAX_GZIP_KIB = 1024

const QUIET = { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false', CI: '1', NO_COLOR: '1' }

describe('the edge’s deployment', () => {
  it('to production is valid and small, and has no open door', async () => {
    const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js')
    const out = await mkdtemp(join(tmpdir(), 'loupe-deploy-'))
    try {
      const flags = ['deploy', '--dry-run', '--env', 'production', '--outdir', out]
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [wrangler, ...flags], {
        cwd: fileURLToPath(new URL('../../apps/edge/', import.meta.url)),
        env: { ...process.env, ...QUIET },
      })
      const size = /gzip: ([\d.]+) KiB/.exec(stdout)?.[1]
      expect(Number(size)).toBeLessThan(MAX_GZIP_KIB)
      expect(stdout).toContain('env.ENVIRONMENT ("production")')
      expect(stdout).not.toContain('env.API_KEYS')
      expect(`${stdout}${stderr}`).not.toContain('WARNING')
    } finally {
      await rm(out, { recursive: true })
    }
  })
})
