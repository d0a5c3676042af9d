import { Buffer } from 'node:buffer'
import type { Chunk } from '../../chunk.ts'
import type { LineRules } from '../../process/rules.ts'
import type { Body } from '../body/body.ts'
import { type ChunkAccount, count } from './chunk-account.ts'
import { takeOddLine } from './odd-line.ts'

export interface ChunkLines {
  readonly chunk: Chunk
  /** Contains the chunk. */
  readonly room: Uint8Array
  /** The rules of the chunk's source, if any. */
  readonly rules: LineRules | undefined
}

/** Encodes what it can of a chunk, handling odd lines on the way. */
export function takeLines(body: Body, lines: ChunkLines, account: ChunkAccount): Promise<'full' | 'partial'> {
  const { rules } = lines
  return rules === undefined
    ? takeUntil(body, { ...lines, until: lines.chunk.length }, account)
    : takeByRules(body, { ...lines, rules }, account)
}

async function takeUntil(
  body: Body,
  { chunk, room, rules, until }: ChunkLines & { readonly until: number },
  account: ChunkAccount,
): Promise<'full' | 'partial'> {
  for (;;) {
    if (account.end >= until) return 'partial'
    const taken = body.append({ ...chunk, from: account.end, until })
    account.end = taken.end
    if (taken.emptyLineBytes > 0) count(account, 'empty-line', taken.emptyLineBytes)
    if (taken.stopped.kind === 'full') return 'full'
    if (taken.stopped.kind === 'partial') return 'partial'
    const after = await takeOddLine(body, { chunk, room, rules, line: taken.stopped.line }, account)
    if (after !== 'taken') return after
  }
}

/** Lines touched by no rule are encoded together; the others are handled one by one. */
async function takeByRules(
  body: Body,
  lines: ChunkLines & { readonly rules: LineRules },
  account: ChunkAccount,
): Promise<'full' | 'partial'> {
  const { chunk, room, rules } = lines
  const bytes = Buffer.from(room.buffer, room.byteOffset, chunk.length)
  const scan = rules.scan(bytes, chunk.origin.maxLineBytes)
  for (;;) {
    const touched = scan.next(account.end)
    const until = touched?.start ?? chunk.length
    const stopped = await takeUntil(body, { ...lines, until }, account)
    if (stopped === 'full' || touched === undefined || account.end < until) return stopped
    const after = await takeOddLine(body, { ...lines, line: touched }, account)
    if (after !== 'taken') return after
  }
}
