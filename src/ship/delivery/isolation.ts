import { joined, type Range } from '../filling/batch.ts'
import type { Refusal, Sent } from './delivery.ts'
import { UNPROVEN_RECORDS } from './evidence.ts'

export interface IsolationPorts {
  send(range: Range): Promise<Sent>
  /** The current moment on the clock of `isAcceptedSince`. */
  now(): number
  /** Whether a request begun after that moment was accepted: the destination did not refuse everything. */
  isAcceptedSince(moment: number): boolean
  /** Asks the destination whether it still accepts what it accepted before; `unknown`: it never accepted anything. */
  ask(): Promise<ProbeResult>
}

export type ProbeResult = 'accepted' | 'refused' | 'unknown' | 'aborted'

/** `doubtful`: nothing was accepted since some records were refused, so the fault may be the destination's. */
export type Isolated =
  | { readonly kind: 'settled'; readonly refused: readonly RefusedRange[] }
  | Doubtful
  | { readonly kind: 'aborted' }

export interface Doubtful {
  readonly kind: 'doubtful'
  /** Proven, or in no need of proof. */
  readonly refused: readonly RefusedRange[]
  /** Single records that were rejected, with nothing accepted since. */
  readonly unproven: readonly Doubted[]
  /** The ranges left when the search was abandoned, in the order of the search; empty if it finished. */
  readonly left: readonly Range[]
  readonly reason: string
}

/** A single record that was rejected at the moment `at`. */
export type Doubted = RefusedRange & { readonly at: number }

/** Single records the destination refused, or ranges it gave no decision on within `max_attempts`. */
export interface RefusedRange {
  readonly range: Range
  readonly kind: Refusal['kind'] | 'exhausted'
  readonly reason: string
  readonly status?: number
}

/**
 * Finds the records a destination refuses by halving refused ranges down to single records. One bad record in n costs at most
 * 2·⌈log2 n⌉ further requests. Narrow and wide ranges alternate: a good record among bad ones proves that the destination
 * works, wherever the bad ones are. After a run of rejections with nothing accepted, the destination is asked; if it also
 * refuses what it accepted before, the search is abandoned. The next search continues with the parts this one left. If it
 * began again, it would never reach a good record behind that many bad ones.
 */
export async function isolate(parts: readonly Range[], ports: IsolationPorts): Promise<Isolated> {
  const ranges = joined(parts)
  // Several ranges are searched part by part; otherwise all of the first one would be searched before the others.
  let untried = [...(ranges.length > 1 ? parts : ranges)]
  let known = parts
  const open: Range[] = []
  const refused: RefusedRange[] = []
  const row = createRow(ranges, ports)
  for (let halvings = 0; ; ) {
    const range = untried.shift()
    if (!range) {
      const next = halvings % 2 === 0 ? open.shift() : takeNarrowest(open)
      if (!next) return row.sort(refused, [])
      halvings += 1
      untried = partsOf(next, known)
      continue
    }
    const trust = await row.trust()
    if (trust === 'aborted') return { kind: 'aborted' }
    if (trust === 'none') {
      return row.sort(refused, [range, ...untried, ...open.flatMap((each) => partsOf(each, known))])
    }
    const sent = await ports.send(range)
    if (sent.kind === 'aborted') return sent
    if (sent.kind === 'delivered') {
      // The destination accepts records, so halving all that is left finds the bad ones sooner.
      untried = [...joined(untried)]
      known = []
    }
    if (sent.kind === 'exhausted') refused.push({ range, ...sent })
    if (sent.kind !== 'refused') continue
    const { verdict } = sent
    // `too-large` concerns only the record; a rejection proves the record bad only if others are accepted.
    if (verdict.kind === 'rejected') row.add(range, verdict)
    else if (isSingle(range)) refused.push({ range, ...verdict })
    if (!isSingle(range)) open.push(range)
  }
}

/** Tracks the rejections of a search. A run of them ends once a request that began after the last one is accepted. */
function createRow(ranges: readonly Range[], ports: IsolationPorts) {
  const singles: Doubted[] = []
  const most = mostRejections(ranges.reduce((sum, { start, end }) => sum + end - start, 0))
  let rejections = 0
  let records = 0
  let last = { at: 0, reason: '' }
  return {
    add(range: Range, verdict: Refusal): void {
      if (ports.isAcceptedSince(last.at)) rejections = records = 0
      last = { at: ports.now(), reason: verdict.reason }
      rejections += 1
      if (!isSingle(range)) return
      records += 1
      singles.push({ range, ...verdict, at: last.at })
    },
    /** Whether the destination can be trusted to refuse particular records rather than everything; `none` ends the search. */
    async trust(): Promise<'some' | 'none' | 'aborted'> {
      if ((rejections < most && records < UNPROVEN_RECORDS) || ports.isAcceptedSince(last.at)) return 'some'
      const answer = await ports.ask()
      if (answer === 'aborted') return answer
      return answer === 'accepted' || (answer === 'unknown' && rejections < most) ? 'some' : 'none'
    },
    sort(others: readonly RefusedRange[], left: readonly Range[]): Isolated {
      const isProven = ({ at }: { readonly at: number }) => ports.isAcceptedSince(at)
      const refused = [...others, ...singles.filter(isProven)]
      const unproven = singles.filter((single) => !isProven(single))
      if (unproven.length + left.length === 0) return { kind: 'settled', refused }
      return { kind: 'doubtful', refused, unproven, left, reason: last.reason }
    },
  }
}

/**
 * Returns how long a run of rejections may get: long enough to reach single records, because every other halving splits the
 * narrowest range, and to try every record of a batch that may be dead-lettered on credit.
 */
function mostRejections(records: number): number {
  return 4 * Math.ceil(Math.log2(records)) + 3
}

function takeNarrowest(ranges: Range[]): Range | undefined {
  const narrowest = ranges.reduce((least, range, index) => {
    const other = ranges[least] as Range
    return range.end - range.start < other.end - other.start ? index : least
  }, 0)
  return ranges.splice(narrowest, 1)[0]
}

function isSingle({ start, end }: Range): boolean {
  return end - start === 1
}

/** Divides a refused range into the parts inside it if there are several, else into halves. */
function partsOf(range: Range, parts: readonly Range[]): Range[] {
  const inside = parts.filter(({ start, end }) => start >= range.start && end <= range.end)
  return inside.length > 1 ? inside : halves(range)
}

function halves({ start, end }: Range): Range[] {
  const middle = Math.ceil((start + end) / 2)
  return [
    { start, end: middle },
    { start: middle, end },
  ]
}
