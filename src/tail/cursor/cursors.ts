import type { PositionRecord } from '../../checkpoint/registry.ts'
import { NO_FINGERPRINT } from '../file/fingerprint.ts'
import { Cursor } from './cursor.ts'
import type { CursorHost } from './cursor-host.ts'
import type { Evidence } from './proof.ts'

const NOWHERE: PositionRecord = { offset: 0, marker: NO_FINGERPRINT, deadLetteredBytes: 0, skippedBytes: {} }

/** The positions of all destinations in one generation. */
export class Cursors {
  readonly #byDestination = new Map<string, Cursor>()
  /** Positions of destinations that are not configured now; kept in case they come back. */
  readonly #dormant: Record<string, PositionRecord> = {}
  readonly #host: CursorHost

  constructor(host: CursorHost) {
    this.#host = host
  }

  get size(): number {
    return this.#byDestination.size
  }

  has(destination: string): boolean {
    return this.#byDestination.has(destination)
  }

  get(destination: string): Cursor | undefined {
    return this.#byDestination.get(destination)
  }

  values(): Iterable<Cursor> {
    return this.#byDestination.values()
  }

  add(destination: string, from: PositionRecord = NOWHERE): Cursor {
    const cursor = new Cursor(destination, this.#host, from)
    this.#byDestination.set(destination, cursor)
    return cursor
  }

  keep(destination: string, position: PositionRecord): void {
    this.#dormant[destination] = position
  }

  /** The position of the destination furthest ahead. */
  get furthest(): number {
    let furthest = 0
    for (const { position } of this.values()) furthest = Math.max(furthest, position)
    return furthest
  }

  /** Unread bytes of the destination furthest behind. */
  get unreadBytes(): number {
    let unread = 0
    for (const { position } of this.values()) unread = Math.max(unread, this.#host.size - position)
    return unread
  }

  /** Whether all destinations have settled every known byte. */
  get isSettled(): boolean {
    return this.every(({ isSettled }) => isSettled)
  }

  /** Whether a read is under way, or a chunk is with its taker. */
  get isOut(): boolean {
    return !this.every((cursor) => !cursor.isOut)
  }

  /** Whether nothing is unread, no read under way and no chunk with its taker. */
  get isIdle(): boolean {
    return this.every(({ isOut, hasUnread }) => !isOut && !hasUnread)
  }

  every(holds: (cursor: Cursor) => boolean): boolean {
    for (const cursor of this.values()) if (!holds(cursor)) return false
    return true
  }

  /** Returns what a file must hold, besides the first bytes, to be the home of their generation. */
  evidence(): readonly Evidence[] {
    return [...this.values()].flatMap((cursor) => cursor.evidence())
  }

  /** Whether, for every destination, it can be checked that a file holds what was read. */
  get isProvable(): boolean {
    return this.every((cursor) => cursor.isProvable)
  }

  /** Offers everything unread, written at `atMs` or earlier. */
  offerAgain(atMs: number): void {
    for (const cursor of this.values()) cursor.offerAgain(atMs)
  }

  records(): Readonly<Record<string, PositionRecord>> {
    const own = [...this.#byDestination].map(([name, cursor]) => [name, cursor.record()] as const)
    return { ...this.#dormant, ...Object.fromEntries(own) }
  }
}
