import type { Log } from '../log.ts'
import type { Store } from './store.ts'

/** Writes positions soon after they move, and keeps trying while the disk refuses. */
export interface Saver {
  /** Something changed that a restart should know. */
  touch(): void
  /** Writes now; resolves when the state is durable or could not be written. */
  flush(): Promise<boolean>
  stop(): void
  readonly lastSavedAtMs: number | undefined
  /** Why the last write failed; undefined when it did not. */
  readonly error: string | undefined
}

export interface SaverOptions {
  readonly store: Pick<Store, 'save'>
  readonly state: () => object
  readonly log: Log
  /**
   * Least time between two writes: bounds both the fsyncs a second and how much is sent again after a kill. It is
   * longer after a write that took long.
   */
  readonly gapMs?: number
  /** Least time between two attempts while the disk refuses. */
  readonly retryMs?: number
}

/** A write is followed by a pause of so many times its duration: writing takes 4 % of the time, however much there is to write. */
const PAUSE_PER_WRITE = 24
/** But by no longer one: a disk that hangs once must not make much be sent again. */
const LONGEST_PAUSE_MS = 5000

export function createSaver({ store, state, log, gapMs = 100, retryMs = 1000 }: SaverOptions): Saver {
  let timer: NodeJS.Timeout | undefined
  let dirty = false
  let writing = false
  let stopped = false
  let pauseMs = gapMs
  let lastSavedAtMs: number | undefined
  let error: string | undefined

  async function save(): Promise<boolean> {
    dirty = false
    writing = true
    const beganAtMs = performance.now()
    const result = await store.save(state)
    const pauseForMs = PAUSE_PER_WRITE * (performance.now() - beganAtMs)
    pauseMs = Math.max(gapMs, Math.min(pauseForMs, LONGEST_PAUSE_MS))
    writing = false
    if (result.kind === 'saved') {
      if (error !== undefined) log.info({}, 'positions can be written again')
      error = undefined
      lastSavedAtMs = Date.now()
    } else {
      error = result.message
      dirty = true
      log.error(
        { key: 'registry', code: result.code, reason: result.message },
        'positions cannot be written: shipping goes on, and what is sent meanwhile would be sent again after a restart',
      )
    }
    if (dirty) schedule()
    return result.kind === 'saved'
  }

  function schedule(): void {
    if (timer || writing || stopped) return
    timer = setTimeout(
      () => {
        timer = undefined
        void save()
      },
      error === undefined ? pauseMs : retryMs,
    )
  }

  return {
    touch() {
      dirty = true
      schedule()
    },
    flush: save,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
    get lastSavedAtMs() {
      return lastSavedAtMs
    },
    get error() {
      return error
    },
  }
}
