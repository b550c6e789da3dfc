import type { FileStore, FileWriter } from '../files/file-store.ts'
import { failedLine } from './answer-line.ts'
import type { WrittenFiles } from './batch-ledger.ts'
import type { BatchState } from './batch-state.ts'
import type { LineKind, PageLine } from './line-table.ts'

/** Reads lines of the batch behind another one. */
type ReadPage = (kind: LineKind, after: number) => Promise<readonly PageLine[]>

/** Writes the results of a batch to its files. A file without a line is not there. */
export async function writeResults(
  { tenant, id, request, outputId, errorId, outcome }: BatchState,
  files: FileStore,
  readPage: ReadPage,
): Promise<WrittenFiles> {
  const seconds = request.output_expires_after?.seconds
  const lifetimeMs = seconds === undefined ? undefined : seconds * 1000
  const write = async (fileId: string, name: string, kinds: readonly LineKind[]): Promise<boolean> => {
    const writer = await files.write(tenant, fileId)
    for (const kind of kinds) await copyLines(writer, kind, readPage)
    if (writer.bytes === 0) {
      await writer.abort()
      return false
    }
    await writer.finish()
    return (await writer.keep({ filename: `${id}_${name}.jsonl`, purpose: 'batch_output', lifetimeMs })) !== undefined
  }
  return {
    hasOutput: await write(outputId, 'output', ['answered']),
    hasErrors: await write(errorId, 'error', outcome === 'expired' ? ['failed', 'open'] : ['failed']),
  }
}

async function copyLines(writer: FileWriter, kind: LineKind, readPage: ReadPage): Promise<void> {
  const encoder = new TextEncoder()
  for (let after = 0; ; ) {
    const page = await readPage(kind, after)
    const last = page.at(-1)
    if (last === undefined) return
    const lines = page.map((line) => (kind === 'open' ? expired(line) : line.json))
    await writer.add(encoder.encode(`${lines.join('\n')}\n`))
    after = last.line
  }
}

function expired({ customId }: PageLine): string {
  return failedLine(customId, 'batch_expired', 'The batch ended before this line was answered.').json
}
