import type { Lineage } from '../lineage/lineage.ts'
import { createTurns } from './turns.ts'

/** Files that changed recently are checked this often, unless there are very many of them. */
export const TICK_MS = 250
const MAX_ACTIVE_PER_TICK = 1000
/** How often they are checked if all are quiet and their events arrive: then the poll only catches lost events. */
const QUIET_TICK_MS = 2000
/** How many quiet files are checked per second; twice as many while events are incomplete. */
const QUIET_PER_SECOND = 250
/** How many files that could not be opened are retried per tick, if there is room. */
const MAX_OPENED_PER_TICK = 500
/** A directory is scanned for rotated generations this often without a wake-up. */
const SCAN_MS = 10_000

/** Schedules which lineages to check. Times are monotonic, as the wall clock may be set back. */
export interface Rounds {
  add(lineage: Lineage): void
  remove(lineage: Lineage): void
  /** Something may have happened to it. */
  markDirty(lineage: Lineage): void
  /** Returns those to check now: the dirty ones and, if a tick is due, those of the tick. */
  due(atMs: number, surroundings: Surroundings): ReadonlySet<Lineage>
  /** Checks one; `nowMs` is wall-clock time. */
  check(lineage: Lineage, atMs: number, nowMs: number): void
  /** When the next tick is due. */
  readonly tickAtMs: number
}

interface Surroundings {
  /** Whether some events do not arrive. */
  readonly eventsIncomplete: boolean
  /** Whether a file can be opened. */
  hasRoom(): boolean
}

export function createRounds(tickMs: number): Rounds {
  const turns = createTurns<Lineage>()
  const dirty = new Set<Lineage>()
  const active = new Set<Lineage>()
  /** Those whose file could not be opened. */
  const unopened = new Set<Lineage>()
  const scanAtMs = new WeakMap<Lineage, number>()
  let tickAtMs = 0

  function* tick({ eventsIncomplete, hasRoom }: Surroundings): Generator<Lineage> {
    yield* active.values().take(MAX_ACTIVE_PER_TICK)
    if (unopened.size > 0 && hasRoom()) yield* unopened.values().take(MAX_OPENED_PER_TICK)
    const pauseMs = pause(eventsIncomplete)
    yield* turns.next(Math.ceil((QUIET_PER_SECOND * (eventsIncomplete ? 2 : 1) * pauseMs) / 1000))
  }

  function pause(eventsIncomplete: boolean): number {
    return active.size + unopened.size > 0 || eventsIncomplete ? tickMs : Math.max(tickMs, QUIET_TICK_MS)
  }

  return {
    add: (lineage) => turns.add(lineage),
    remove(lineage) {
      turns.remove(lineage)
      for (const set of [dirty, active, unopened]) set.delete(lineage)
    },
    markDirty: (lineage) => void dirty.add(lineage),
    due(atMs, surroundings) {
      const due = new Set(dirty)
      dirty.clear()
      if (atMs < tickAtMs) return due
      for (const lineage of tick(surroundings)) due.add(lineage)
      tickAtMs = atMs + pause(surroundings.eventsIncomplete)
      return due
    },
    check(lineage, atMs, nowMs) {
      if (atMs >= (scanAtMs.get(lineage) ?? 0)) {
        lineage.wantScan()
        scanAtMs.set(lineage, atMs + SCAN_MS)
      }
      lineage.check(nowMs)
      // Moves to the end, so that all get their turn.
      active.delete(lineage)
      if (lineage.isActive) active.add(lineage)
      unopened.delete(lineage)
      if (lineage.livePath.error !== undefined) unopened.add(lineage)
      if (active.size > 0) tickAtMs = Math.min(tickAtMs, atMs + tickMs)
    },
    get tickAtMs() {
      return tickAtMs
    },
  }
}
