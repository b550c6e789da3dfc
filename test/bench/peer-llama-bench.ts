import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '@loupe/shared/errors'

/** The release of the PyPI package whose source archive brings llama.cpp. */
const ARCHIVE_VERSION = '0.3.36'
const ARCHIVE = `llama_cpp_python-${ARCHIVE_VERSION}`

/** Only what its bench needs, for the instructions of this CPU. */
const CMAKE_OPTIONS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DBUILD_SHARED_LIBS=OFF',
  '-DGGML_NATIVE=ON',
  '-DLLAMA_BUILD_COMMON=ON',
  '-DLLAMA_BUILD_TOOLS=ON',
  '-DLLAMA_BUILD_TESTS=OFF',
  '-DLLAMA_BUILD_EXAMPLES=OFF',
  '-DLLAMA_BUILD_SERVER=OFF',
  '-DLLAMA_BUILD_APP=OFF',
  '-DLLAMA_OPENSSL=OFF',
]

/** What its bench is asked. */
export interface LlamaBenchMeasure {
  readonly model: string
  readonly threads: number
  /** Tokens of a prompt, or 0. */
  readonly prompt: number
  /** Tokens decoded, or 0. */
  readonly decoded: number
  /** What stands before either. */
  readonly depth: number
}

/**
 * Builds llama.cpp's own bench from the source archive of the PyPI package `llama-cpp-python`, unless it is there already.
 * Nothing of Python takes part but pip, which downloads the archive.
 *
 * @param folder - kept for the next time
 * @returns its path
 * @throws AppError `usage.invalid` where pip, tar, cmake or the compiler fails
 */
export async function llamaBench(
  tell: (message: string) => void,
  folder = join(tmpdir(), `loupe-peer-${ARCHIVE}`),
): Promise<string> {
  const build = join(folder, 'build')
  const program = join(build, 'bin/llama-bench')
  if (existsSync(program)) return program
  await mkdir(folder, { recursive: true })
  tell('building llama.cpp')
  const wanted = `llama-cpp-python==${ARCHIVE_VERSION}`
  await step(folder, 'pip', ['download', '--no-deps', '--no-binary', ':all:', '--dest', '.', wanted])
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tar.gz')) ?? ''
  await step(folder, 'tar', ['-xzf', archive])
  const source = join(folder, ARCHIVE, 'vendor/llama.cpp')
  await step(folder, 'cmake', ['-S', source, '-B', build, ...CMAKE_OPTIONS])
  await step(folder, 'cmake', ['--build', build, '--target', 'llama-bench', '--parallel', '2'])
  return program
}

/** One run. @returns milliseconds a token */
export async function askLlamaBench(program: string, measure: LlamaBenchMeasure): Promise<number> {
  const { model, threads, prompt, decoded, depth } = measure
  const numbers = ['-t', threads, '-p', prompt, '-n', decoded, '-d', depth, '-r', 1].map(String)
  const { stdout } = await promisify(execFile)(program, ['-m', model, '-o', 'json', '-fa', '1', ...numbers])
  // Of the version above: an array of tests, of which there is one.
  const [test] = JSON.parse(stdout) as { avg_ts: number }[]
  return 1000 / (test?.avg_ts ?? Number.NaN)
}

async function step(cwd: string, program: string, argv: readonly string[]): Promise<void> {
  await promisify(execFile)(program, argv, { cwd, maxBuffer: 2 ** 28 }).catch((cause) => {
    throw new AppError('usage.invalid', `Expected ${program} ${argv[0]} to succeed: ${cause}.`, { cause })
  })
}
