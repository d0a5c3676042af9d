import { Buffer } from 'node:buffer'
import type { Origin } from '../../src/chunk.ts'
import type { Body, OddLine } from '../../src/ship/body/body.ts'

export interface Batch {
  readonly sealed: string
  readonly records: number
  readonly lines: readonly string[]
  /** Number of file bytes of each record. */
  readonly fileBytes: readonly number[]
}
export interface Drive {
  readonly origin: Origin
  readonly readAtMs: number
  /** How many bytes of the file appear before each successive read; then the rest. */
  readonly growth: readonly number[]
  /** Whether odd lines with invalid content are offered again, one by one. */
  readonly repair: boolean
  /** How many lines each successive append may encode, in turn; by default all that were read. */
  readonly stops?: readonly number[]
}
export interface Driven {
  readonly batches: readonly Batch[]
  /** Spans in the file; adjacent runs of NUL bytes are merged. */
  readonly odd: readonly { readonly reason: OddLine['reason']; readonly start: number; readonly end: number }[]
  readonly emptyLineBytes: number
  readonly consumed: number
  readonly reads: number
  readonly readBytes: number
}

/** Ships a growing file through one body, over and over, as a lane would. Records the odd lines that no format can take. */
export function drive(body: Body, file: Buffer, { origin, readAtMs, growth, repair, stops = [] }: Drive): Driven {
  const batches: Batch[] = []
  const odd: { reason: OddLine['reason']; start: number; end: number }[] = []
  const sizes = [...growth]
  let appends = 0
  const driven = { emptyLineBytes: 0, consumed: 0, reads: 0, readBytes: 0 }
  let visible = 0

  function flush(): void {
    if (body.records > 0) batches.push(sealedBatch(body))
    body.reset()
  }
  function noteOdd(line: OddLine, base: number): number {
    const last = odd.at(-1)
    const span = { start: base + line.start, end: base + line.end }
    if (line.reason === 'nul' && last?.reason === 'nul' && last.end === span.start) {
      last.end = span.end
      return line.next
    }
    const incomplete = line.reason === 'too-long' && line.next === line.end
    if (!incomplete) {
      odd.push({ reason: line.reason, ...span })
      return line.next
    }
    const newline = file.indexOf(10, span.end)
    const end = newline > 0 && file[newline - 1] === 13 ? newline - 1 : newline
    odd.push({ reason: line.reason, start: span.start, end: newline < 0 ? file.length : end })
    return (newline < 0 ? file.length : newline + 1) - base
  }
  function takeOdd(line: OddLine, room: Uint8Array): 'taken' | 'full' | 'not-json' {
    if (!repair || line.reason === 'nul' || line.reason === 'too-long') return 'not-json'
    return body.appendLine(room.slice(line.start, line.end), { origin, readAtMs }, line.next - line.start)
  }

  /** End of the next few lines after `from`, as `stops` says; the end of what was read if there are fewer. */
  function stopBehind(from: number, room: Uint8Array): number {
    let end = from
    for (let lines = stops[appends++ % stops.length] ?? 0; lines > 0; lines -= 1) {
      const newline = room.indexOf(10, end)
      if (newline < 0) return room.length
      end = newline + 1
    }
    return stops.length === 0 ? room.length : end
  }

  for (;;) {
    const room = body.room()
    if (room === undefined) {
      flush()
      continue
    }
    const base = driven.consumed
    const length = Math.min(room.length, visible - base)
    room.set(file.subarray(base, base + length))
    driven.reads += 1
    driven.readBytes += length
    let from = 0
    let full = false
    while (from <= length && !full) {
      const until = stopBehind(from, room.subarray(0, length))
      const appended = body.append({ origin, readAtMs, from, length, until })
      driven.emptyLineBytes += appended.emptyLineBytes
      from = appended.end
      full = appended.stopped.kind === 'full'
      if (appended.stopped.kind === 'partial' && from === until && until < length) continue
      if (appended.stopped.kind !== 'odd') break
      const { line } = appended.stopped
      const repaired = takeOdd(line, room)
      full = repaired === 'full'
      if (repaired === 'taken') from = line.next
      if (repaired === 'not-json') from = noteOdd(line, base)
    }
    driven.consumed += from
    if (full) flush()
    else if (length < room.length && visible < file.length)
      visible = Math.min(file.length, visible + (sizes.shift() ?? file.length))
    else if (length < room.length) break
    visible = Math.max(visible, driven.consumed)
  }
  flush()
  return { ...driven, batches, odd }
}

function sealedBatch(body: Body): Batch {
  const { records, bytes } = body
  body.seal()
  const sealed = Buffer.concat(body.slice(0, records))
  if (sealed.length !== bytes) throw new Error(`${sealed.length} bytes, but it said ${bytes}`)
  const lines = Array.from({ length: records }, (_, index) => Buffer.from(body.recordLine(index)).toString())
  const fileBytes = lines.map((_, index) => body.recordBytes(index))
  return { sealed: sealed.toString(), records, lines, fileBytes }
}
