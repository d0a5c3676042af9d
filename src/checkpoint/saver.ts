import type { Log } from '../log.ts'
import type { Store } from './store.ts'

/** Writes positions soon after they move, and keeps retrying while writes fail. */
export interface Saver {
  /** Notes that state needed by a restart has changed. */
  touch(): void
  /** Writes now, including changes made during a write in progress. Resolves with whether the state is durable. */
  flush(): Promise<boolean>
  stop(): void
  readonly lastSavedAtMs: number | undefined
  /** Why the last write failed; undefined if it succeeded. */
  readonly error: string | undefined
}

export interface SaverOptions {
  readonly store: Pick<Store, 'save'>
  /** Called when a write begins. */
  readonly state: () => object
  readonly log: Log
  /**
   * Shortest time between two writes: bounds both the fsyncs per second and how much is sent again after a kill. Longer
   * after a slow write.
   */
  readonly gapMs?: number
  /** Shortest time between two attempts while writes fail. */
  readonly retryMs?: number
}

/** Pause after a write, as a multiple of its duration: writing takes 4 % of the time, however large the state. */
const PAUSE_PER_WRITE = 24
/** Cap on that pause, so that one disk stall does not cause much to be sent again after a kill. */
const MAX_PAUSE_MS = 5000

export function createSaver({ store, state, log, gapMs = 100, retryMs = 1000 }: SaverOptions): Saver {
  let timer: NodeJS.Timeout | undefined
  let dirty = false
  let running: Promise<boolean> | undefined
  let stopped = false
  let pauseMs = gapMs
  let lastSavedAtMs: number | undefined
  let error: string | undefined

  /** One at a time. */
  function save(): Promise<boolean> {
    clearTimeout(timer)
    timer = undefined
    dirty = false
    running = write().finally(() => {
      running = undefined
      if (dirty) schedule()
    })
    return running
  }

  async function write(): Promise<boolean> {
    const beganAtMs = performance.now()
    const result = await store.save(state())
    const pauseForMs = PAUSE_PER_WRITE * (performance.now() - beganAtMs)
    pauseMs = Math.max(gapMs, Math.min(pauseForMs, MAX_PAUSE_MS))
    if (result.kind === 'saved') {
      if (error !== undefined) log.info({}, 'positions can be written again')
      error = undefined
      lastSavedAtMs = Date.now()
      return true
    }
    error = result.message
    dirty = true
    log.error(
      { key: 'registry', code: result.code, reason: result.message },
      'positions cannot be written: shipping continues, and what is sent meanwhile would be sent again after a restart',
    )
    return false
  }

  async function flush(): Promise<boolean> {
    let saved: boolean | undefined
    while (running !== undefined) saved = await running
    return saved === undefined || dirty ? save() : saved
  }

  function schedule(): void {
    if (timer || running !== undefined || stopped) return
    timer = setTimeout(() => void save(), error === undefined ? pauseMs : retryMs)
  }

  return {
    touch() {
      dirty = true
      schedule()
    },
    flush,
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
