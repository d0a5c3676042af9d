import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeAgent, type StatusInputs, type Vitals } from './agent-status.ts'
import { type ImportedPosition, loadDatadogRegistry } from './checkpoint/datadog-import.ts'
import { openLock } from './checkpoint/lock.ts'
import { lockedStore } from './checkpoint/locked-store.ts'
import { parseRegistry, type RegistryState } from './checkpoint/registry.ts'
import { createSaver, type Saver } from './checkpoint/saver.ts'
import { openStore } from './checkpoint/store.ts'
import type { Config, DestinationConfig } from './config/config.ts'
import { longestLineOf } from './config/sources.ts'
import type { AgentLog } from './observe/log.ts'
import type { Status } from './observe/status.ts'
import { openFilesAllowance } from './open-files.ts'
import { openRules } from './process/source-rules.ts'
import { type DeadLetter, openDeadLetter } from './ship/dead-letter.ts'
import type { Destination } from './ship/destination.ts'
import { createDestination } from './ship/destinations/create.ts'
import { createLane, type Lane } from './ship/lane.ts'
import { createThrottle } from './ship/throttle.ts'
import { createTailer, type Tailer } from './tail/tailer.ts'

export interface AgentOptions {
  readonly config: Config
  /** Rendered problems of the configuration, for status. */
  readonly problems: readonly string[]
  readonly log: AgentLog
  readonly version: string
  readonly vitals: () => Vitals
}

export type StartedAgent =
  | { readonly kind: 'started'; readonly agent: RunningAgent }
  /** Another agent works on the run path. */
  | { readonly kind: 'refused'; readonly message: string }

export interface RunningAgent {
  status(): Status
  /**
   * Stops reading, sends what was read, writes the positions. `clean` when everything read was settled by the deadline;
   * what was not is read and sent again after the next start.
   */
  drain(deadlineMs: number): Promise<{ readonly clean: boolean }>
}

/** The longest wait for aborted requests to let go, and for the last write of the positions. */
const ABORT_GRACE_MS = 3000
const RECOUNT_MS = 2000

export async function startAgent(options: AgentOptions): Promise<StartedAgent> {
  const { config, log, version } = options
  const { runPath } = config.checkpoint
  const startedAtMs = Date.now()
  const holder = `tailship ${version} on ${config.hostname}, process ${options.vitals().pid}`
  const lock = await openLock(runPath, holder)
  if (lock.kind === 'held') return { kind: 'refused', message: lock.message }
  if (lock.kind === 'failed') {
    log.error({ reason: lock.message }, 'the run path cannot be used: shipping goes on, but positions are not kept')
  }
  const store = await openStore({ dir: runPath })
  if (store.recovered !== undefined) {
    log.warn({ recovered: store.recovered }, 'the registry could not be used as it was')
  }
  const { generations, rejected, sinceMs: knownSinceMs } = parseRegistry(store.loaded)
  if (rejected > 0) log.warn({ rejected }, 'entries of the registry made no sense and were left out')

  // Without a registry an agent may have died before it wrote its first one: what was rotated since is no history.
  const firstAtMs = knownSinceMs.size === 0 && lock.kind === 'locked' ? lock.madeAtMs : startedAtMs
  const sinceMs = new Map(config.sources.map(({ path }) => [path, knownSinceMs.get(path) ?? firstAtMs]))

  let state: Status['state'] = 'starting'
  let saver: Saver | undefined
  const tailer = createTailer({
    sources: config.enabled ? config.sources : [],
    destinations: config.destinations.map(({ name }) => name),
    records: generations,
    imports: importedPositions(config.checkpoint.importPath, log),
    sinceMs,
    openFilesLimit: openFilesLimit(options),
    expireAfterMs: config.checkpoint.expireAfterMs,
    onChange: () => saver?.touch(),
    log: log.component('tail'),
    poll: true,
  })
  const registry = (): RegistryState => ({
    writtenAt: new Date().toISOString(),
    sources: Object.fromEntries([...sinceMs].map(([path, atMs]) => [path, new Date(atMs).toISOString()])),
    generations: tailer.records(),
  })
  const positions = lockedStore(store, lock, () => openLock(runPath, holder))
  saver = createSaver({ store: positions, state: registry, log: log.component('checkpoint') })
  const checkpoint = { path: join(runPath, 'registry.json'), saver, recovered: store.recovered, problem: undefined }

  const rulesOf = await openRules(config.sources)
  const works = await Promise.all(
    config.destinations.map((destination) => openLane(destination, { options, tailer, rulesOf })),
  )
  const inputs = (): StatusInputs => ({
    config,
    vitals: options.vitals(),
    version,
    startedAtMs,
    state,
    problems: options.problems,
    lanes: works.map(({ destination, lane, deadLetters }) => ({
      destination,
      account: lane.account,
      deadLetterBytes: deadLetters.bytes,
    })),
    tailer,
    checkpoint,
  })
  const status = () => describeAgent(inputs())
  // Nothing is read before it is on disk which files there are: whoever starts after a kill knows them.
  await tailer.pass()
  await saver.flush()
  for (const { lane } of works) lane.start()
  tailer.start()
  state = config.enabled ? 'running' : 'disabled'
  announce(options, status())
  const stopped = new AbortController()
  for (const work of works) {
    void checkConnection(work, log, stopped.signal)
    void recount(work, stopped.signal)
  }

  return {
    kind: 'started',
    agent: {
      status,
      drain: async (deadlineMs) => {
        state = 'draining'
        stopped.abort()
        const clean = await drain({ works, tailer, saver, deadlineMs })
        positions.release()
        return { clean }
      },
    },
  }
}

/** As configured, as far as the system lets it: with every descriptor taken by a file, nothing could be sent. */
function openFilesLimit({ config, log }: AgentOptions): number {
  const allowance = openFilesAllowance() ?? config.openFilesLimit
  if (allowance >= config.openFilesLimit) return config.openFilesLimit
  log.warn(
    { configured: config.openFilesLimit, limit: allowance },
    'open_files_limit is lowered: this process may not open so many files (ulimit -n)',
  )
  return allowance
}

/** Positions of a Datadog Agent, for files this agent has none of. One that cannot be read stops nothing. */
function importedPositions(path: string | undefined, log: AgentLog): ReadonlyMap<string, ImportedPosition> {
  const imported = path === undefined ? undefined : loadDatadogRegistry(path)
  if (imported?.kind === 'unusable') {
    log.warn(
      { path, reason: imported.reason },
      'no positions are imported: checkpoint.import names no registry of a Datadog Agent',
    )
  } else if (imported && imported.rejected > 0) {
    log.warn({ path, rejected: imported.rejected }, 'entries of the imported registry made no sense and were left out')
  }
  return imported?.kind === 'positions' ? imported.positions : new Map()
}

interface Work {
  readonly destination: Destination
  readonly lane: Lane
  readonly deadLetters: DeadLetter
}

interface Surroundings {
  readonly options: AgentOptions
  readonly tailer: Tailer
  readonly rulesOf: Awaited<ReturnType<typeof openRules>>
}

async function openLane(config: DestinationConfig, { options, tailer, rulesOf }: Surroundings): Promise<Work> {
  const { checkpoint, sources, hostname } = options.config
  const log = options.log.component('ship')
  const destination = createDestination(config, {
    hostname,
    version: options.version,
    maxLineBytes: longestLineOf(sources),
    warn: (message) => log.warn({ key: `destination:${config.name}:${message}`, destination: config.name }, message),
  })
  const deadLetters = await openDeadLetter({
    dir: join(checkpoint.runPath, 'dead-letter', config.name),
    maxBytes: config.deadLetterMaxBytes,
  })
  const { throttleQps: qps, throttleBurst: burst, throttleEnable: enabled } = config.delivery
  const throttle = await createThrottle({ qps, burst, enabled })
  const lane = createLane({
    destination,
    feed: tailer.feed(config.name),
    delivery: config.delivery,
    throttle,
    deadLetters,
    log,
    rulesOf,
  })
  return { destination, lane, deadLetters }
}

/** Says early what an operator can mend: a wrong address, a wrong key. Nothing waits for it. */
async function checkConnection({ destination, lane }: Work, log: AgentLog, signal: AbortSignal): Promise<void> {
  const verdict = await lane.probe(signal)
  if (!verdict) return
  if (verdict.kind === 'delivered') log.info({ destination: destination.name }, 'the destination answers')
  else
    log.warn({ destination: destination.name, reason: verdict.reason }, 'the destination does not accept requests yet')
}

/** A replay, which is a process of its own, takes entries out of a dead letter. */
async function recount({ deadLetters }: Work, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(RECOUNT_MS, undefined, { signal, ref: false }).catch(() => undefined)
    await deadLetters.refresh()
  }
}

interface Draining {
  readonly works: readonly Work[]
  readonly tailer: Tailer
  readonly saver: Saver
  readonly deadlineMs: number
}

/** Soft: what was read is sent. Hard, at the deadline: what is under way is given up and read again next time. */
async function drain({ works, tailer, saver, deadlineMs }: Draining): Promise<boolean> {
  await tailer.stop()
  const soft = Promise.all(works.map(({ lane }) => lane.drain())).then(() => true)
  const clean = await within(deadlineMs, soft)
  if (!clean)
    await within(
      ABORT_GRACE_MS,
      Promise.all(works.map(({ lane }) => lane.abort())).then(() => true),
    )
  saver.stop()
  await within(ABORT_GRACE_MS, saver.flush())
  tailer.close()
  await within(
    ABORT_GRACE_MS,
    Promise.all(works.map(({ destination }) => destination.close())).then(() => true),
  )
  return clean
}

async function within(ms: number, work: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function announce({ config, log }: AgentOptions, { destinations, sources }: Status): void {
  for (const { name, description } of destinations) log.info({ destination: name }, description)
  for (const { path, integration, state, error } of sources) {
    if (state === 'ok') log.info({ path, integration }, 'tailing')
    else if (state === 'pending')
      log.info({ path, integration }, 'no file is there yet: it is read as soon as it comes')
    else log.warn({ path, integration, reason: error }, 'it is not read now')
  }
  if (!config.enabled) log.warn({}, 'DD_LOGS_ENABLED=false: nothing is collected')
}
