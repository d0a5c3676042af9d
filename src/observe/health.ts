import type { Check, DestinationStatus, SourceStatus, Status } from './status.ts'

/** A tail loop that has not turned for this long is stalled: it turns several times a second, whatever happens. */
const TAIL_STALL_MS = 60_000
/** Attempts failing for less than this are a hiccup; for longer, the destination is stuck. */
const STUCK_RETRYING_MS = 60_000
/** A probe's response stays short, even with a thousand sources in trouble. */
const MAX_REASONS = 20

/**
 * The probes' results. `tailIdleMs`: time since the tail loop last turned.
 *
 * Liveness asks only whether the process makes progress: a restart cures neither an intake that is down nor a full disk.
 * Startup asks only whether the agent has begun. Readiness fails for everything an operator has to know about.
 */
export function judgeHealth(snapshot: Omit<Status, 'health'>, tailIdleMs: number): Status['health'] {
  return {
    live: check(tailIdleMs > TAIL_STALL_MS ? [`the tail loop has not run for ${seconds(tailIdleMs)}`] : []),
    ready: check(notReady(snapshot)),
    startup: check(snapshot.state === 'starting' ? ['the agent is starting'] : []),
  }
}

function check(reasons: readonly string[]): Check {
  const shown = reasons.slice(0, MAX_REASONS)
  if (reasons.length > shown.length) shown.push(`and ${reasons.length - shown.length} more`)
  return { ok: reasons.length === 0, reasons: shown }
}

function notReady(snapshot: Omit<Status, 'health'>): string[] {
  if (snapshot.state === 'disabled') return []
  const reasons: string[] = []
  if (snapshot.state === 'starting') reasons.push('the agent is starting')
  if (snapshot.state === 'draining') reasons.push('the agent is draining')
  const { checkpoint } = snapshot
  if (!checkpoint.writable) reasons.push(`checkpoint ${checkpoint.path} is not writable${detail(checkpoint.error)}`)
  for (const source of snapshot.sources) reasons.push(...sourceReasons(source))
  for (const destination of snapshot.destinations)
    reasons.push(...destinationReasons(destination, Date.parse(snapshot.now)))
  return reasons
}

function sourceReasons(source: SourceStatus): string[] {
  switch (source.state) {
    case 'error':
      return errorReasons(source)
    case 'pending':
      return [`source ${source.path}: no file found yet${detail(source.error)}`]
    case 'ok':
      return []
  }
}

/** Lists every file in error, and the source's error if it is not that of a file. */
function errorReasons({ path, error, files }: SourceStatus): string[] {
  const inError = files.filter((file) => file.state === 'error')
  const isItsOwn = inError.length === 0 || files.every((file) => file.error !== error)
  return [
    ...(isItsOwn ? [`source ${path}${detail(error)}`] : []),
    ...inError.map((file) => `file ${file.path}${detail(file.error)}`),
  ]
}

function destinationReasons(destination: DestinationStatus, nowMs: number): string[] {
  const { name, state, failingSince, lastError } = destination
  switch (state) {
    case 'ok':
    // A lane stops only when the agent drains, which is already a reason.
    case 'stopped':
      return []
    case 'unauthorized':
    case 'misconfigured':
    case 'holding':
      return [`destination ${name} is ${state}${detail(lastError?.message)}`]
    case 'retrying': {
      const failingMs = failingSince === undefined ? 0 : nowMs - Date.parse(failingSince)
      if (failingMs < STUCK_RETRYING_MS) return []
      return [`destination ${name} has been retrying for ${seconds(failingMs)}${detail(lastError?.message)}`]
    }
  }
}

function detail(text: string | undefined): string {
  return text === undefined ? '' : `: ${text}`
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`
}
