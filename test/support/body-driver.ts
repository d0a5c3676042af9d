import { Buffer } from 'node:buffer'
import type { Origin } from '../../src/block.ts'
import type { Body, OddLine } from '../../src/ship/body/body.ts'

export interface Batch {
  readonly sealed: string
  readonly records: number
  readonly lines: readonly string[]
}
export interface Drive {
  readonly origin: Origin
  readonly readAtMs: number
  /** How much of the file appears between two reads, in turn; then the rest. */
  readonly growth: readonly number[]
}
export interface Driven {
  readonly batches: readonly Batch[]
  /** Spans in the file; runs of NUL bytes that touch are one. */
  readonly odd: readonly { readonly reason: OddLine['reason']; readonly start: number; readonly end: number }[]
  readonly emptyLineBytes: number
  readonly consumed: number
  readonly reads: number
  readonly readBytes: number
}

/** Ships a growing file through one body, over and over, as a lane would; odd lines are noted and left out. */
export function drive(body: Body, file: Buffer, { origin, readAtMs, growth }: Drive): Driven {
  const batches: Batch[] = []
  const odd: { reason: OddLine['reason']; start: number; end: number }[] = []
  const sizes = [...growth]
  const driven = { emptyLineBytes: 0, consumed: 0, reads: 0, readBytes: 0 }
  let visible = 0

  function flush(): void {
    if (body.records > 0) batches.push(sealedBatch(body))
    body.reset()
  }
  function noteOdd(line: OddLine, base: number): number {
    const last = odd.at(-1)
    const start = base + line.start
    if (line.reason === 'nul' && last?.reason === 'nul' && last.end === start) last.end = base + line.end
    else odd.push({ reason: line.reason, start, end: base + line.end })
    if (line.reason !== 'too-long' || line.next > line.end) return line.next
    const newline = file.indexOf(10, base + line.end)
    const end = newline < 0 ? file.length : newline
    const last2 = odd.at(-1)
    if (last2 !== undefined) last2.end = newline > 0 && file[newline - 1] === 13 ? newline - 1 : end
    return (newline < 0 ? end : newline + 1) - base
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
    for (let going = true; going; ) {
      const appended = body.append({ origin, readAtMs, from, length })
      driven.emptyLineBytes += appended.emptyLineBytes
      from = appended.end
      going = appended.stopped.kind === 'odd'
      full = appended.stopped.kind === 'full'
      if (appended.stopped.kind === 'odd') from = noteOdd(appended.stopped.line, base)
      if (from > length) going = false
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
  return { sealed: sealed.toString(), records, lines }
}
