import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { AppError } from '@loupe/shared/errors'

/** How to run the edge. */
export interface EdgeOptions {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  /** The worker it asks. */
  readonly workerUrl: string
  /** More variables of the Worker, as `wrangler.jsonc` lists them. */
  readonly vars?: Readonly<Record<string, string>>
  /** Where what it stores is kept; its own folder unless it is named. Two edges cannot share it. */
  readonly persistTo?: string
  /** Gets what it prints, piece by piece. */
  readonly onOutput: (text: string) => void
  /** Gives up starting. */
  readonly signal: AbortSignal
}

/** A running edge. */
export interface EdgeProcess {
  readonly url: string
  /** Resolves when it has ended, for whatever reason. */
  readonly exited: Promise<void>
  /** Ends it and everything it started. */
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
/** A cold start bundles the Worker and starts workerd: 5 s on two cores, more when they are busy. */
const START_MS = 120_000
const POLL_MS = 50
const STOP_MS = 5000
/** How much of its last output an error shows. */
const SHOWN_OUTPUT = 2000

/**
 * Nothing leaves the machine: no metrics, no error reports, no look-up of the place we are in. No log files, and no
 * questions asked.
 */
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  CI: '1',
  NO_COLOR: '1',
}

/**
 * Runs the edge in the real Workers runtime, workerd, through `wrangler dev`.
 *
 * @throws AppError `worker.unavailable` when it ends or says nothing, with its last output
 */
export async function startEdge(options: EdgeOptions): Promise<EdgeProcess> {
  options.signal.throwIfAborted()
  const { child, exited, lastOutput } = launch(options)
  const stop = () => stopGroup(child, exited)
  const url = `http://${HOST}:${options.port}`
  try {
    await untilHealthy(url, child, options.signal)
  } catch (error) {
    await stop()
    options.signal.throwIfAborted()
    throw new AppError('worker.unavailable', `The edge did not start.\n${lastOutput()}`, { cause: error })
  }
  return { url, exited, stop }
}

/** A port that nobody listens on. Another process may take it before we do; then the start fails and says so. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address === 'object' && address !== null) return address.port
  throw new AppError('worker.unavailable', 'There is no free port.')
}

function launch({ port, workerUrl, vars, persistTo, onOutput }: EdgeOptions) {
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json')
  const flags = ['--ip', HOST, '--port', String(port), '--inspector-port', '0', '--show-interactive-dev-session=false']
  if (persistTo !== undefined) flags.push('--persist-to', persistTo)
  const variables = Object.entries({ ...vars, WORKER_URL: workerUrl }).flatMap(([name, value]) => [
    '--var',
    `${name}:${value}`,
  ])
  const child = spawn(
    process.execPath, // wrangler refuses an older Node, which may be first in PATH
    [join(dirname(manifest), 'bin/wrangler.js'), 'dev', ...flags, ...variables],
    {
      cwd: fileURLToPath(new URL('../../../edge/', import.meta.url)),
      env: { ...process.env, ...QUIET },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // leads a process group of its own, so that workerd can be ended with it
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-SHOWN_OUTPUT)
      onOutput(text)
    })
  }
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  // Should this process end without `stop`, the group must not stay behind.
  const onExit = () => signalGroup(child, 'SIGKILL')
  process.once('exit', onExit)
  void exited.then(() => process.off('exit', onExit))
  return { child, exited, lastOutput: () => output.trim() }
}

async function untilHealthy(url: string, child: ChildProcess, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_MS)])
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) throw new Error('it ended')
    const response = await fetch(`${url}/healthz`, { signal: deadline }).catch(() => undefined)
    await response?.body?.cancel()
    if (response?.ok === true) return
    await setTimeout(POLL_MS, undefined, { signal: deadline })
  }
}

async function stopGroup(child: ChildProcess, exited: Promise<void>): Promise<void> {
  signalGroup(child, 'SIGINT')
  const timer = new AbortController()
  const late = setTimeout(STOP_MS, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([exited, late])
  timer.abort()
  signalGroup(child, 'SIGKILL') // also what outlived its leader
  await exited
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already.
  }
}
