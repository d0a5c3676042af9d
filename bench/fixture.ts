import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { createEventSource } from '../src/demo/events/events.ts'
import { auditLines } from './audit-lines.ts'

/** Logs to ship: `<directory>/<number>/audit.log`, `bytes` in total. */
export interface Fixture {
  readonly directory: string
  readonly bytes: number
  remove(): Promise<void>
}

export interface FixtureSpec {
  readonly bytes: number
  readonly files: number
  /**
   * `events`: those of src/demo/events/events.ts, as kube-apiserver writes them: 0.6 to 100 KB, 2.0 KB on average. A number:
   * audit events of 0.5 to 1.5 times that many bytes.
   */
  readonly lines: 'events' | number
}

/** Fixed, so that every machine gets the same bytes. */
const seed = 42
/** Disk space left free. */
const marginBytes = 512 * 1024 * 1024

export async function createFixture(parent: string, { bytes, files, lines }: FixtureSpec): Promise<Fixture> {
  const directory = join(parent, `${lines}-${bytes}-${files}`)
  const { bavail, bsize } = await statfs(parent)
  if (bavail * bsize < bytes + marginBytes) throw new Error(`${parent} has no room for ${bytes} bytes: set TMPDIR`)
  let written = 0
  for (let file = 0; file < files; file += 1) {
    await mkdir(join(directory, String(file)), { recursive: true })
    written += await writeLog(logOf(directory, file), bytes / files, piecesOf(lines, seed + file))
  }
  return { directory, bytes: written, remove: () => rm(directory, { recursive: true }) }
}

export function logOf(directory: string, file: number): string {
  return join(directory, String(file), 'audit.log')
}

async function writeLog(path: string, bytes: number, nextPiece: () => Buffer): Promise<number> {
  const stream = createWriteStream(path, { highWaterMark: 8 * 1024 * 1024 })
  let written = 0
  while (written < bytes) {
    const piece = nextPiece()
    written += piece.length
    if (!stream.write(piece)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'close')
  return written
}

function piecesOf(lines: FixtureSpec['lines'], pieceSeed: number): () => Buffer {
  if (lines === 'events') {
    const source = createEventSource(pieceSeed)
    return () => source.next()
  }
  const stretch = auditLines(lines, Math.max(1_000_000, 20 * lines), pieceSeed)
  return () => stretch
}
