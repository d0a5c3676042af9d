import { createSaver } from '../checkpoint/saver.ts'
import type { Config } from '../config/config.ts'
import type { AgentLog } from '../observe/log.ts'
import type { Status } from '../observe/status.ts'
import { openRules } from '../process/source-rules.ts'
import { openFilesAllowance } from '../system/open-files.ts'
import { lowerPoolPriority } from '../system/pool-priority.ts'
import { cachedReads } from '../tail/file/cached-reads.ts'
import { nodeFiles } from '../tail/file/files.ts'
import { createTailer, type Tailer } from '../tail/tailer.ts'
import { drain } from './drain.ts'
import { openPositions, type Positions, type Refused, registryOf } from './positions.ts'
import { openShipper, watchShipper } from './shipper.ts'
import { describeAgent, type Vitals } from './status.ts'

export interface AgentOptions {
  readonly config: Config
  /** Problems of the configuration, already rendered, for the status. */
  readonly problems: readonly string[]
  readonly log: AgentLog
  readonly version: string
  readonly vitals: () => Vitals
}

export type OpenedAgent = { readonly kind: 'opened'; readonly agent: Agent } | Refused

interface Agent {
  status(): Status
  /** Finds the files, persists the list of them, and starts reading. Whatever delays this shows in the status. */
  start(): Promise<void>
  /**
   * Stops reading, sends what was read, writes the positions. `clean`: everything read was settled by the deadline. What was
   * not is read and sent again after the next start.
   */
  drain(deadlineMs: number): Promise<{ readonly clean: boolean }>
}

export async function openAgent(options: AgentOptions): Promise<OpenedAgent> {
  const { config, log, version, vitals, problems } = options
  const startedAtMs = Date.now()
  const holder = `tailship ${version} on ${config.hostname}, process ${vitals().pid}`
  const opened = await openPositions({ config, log, holder, startedAtMs })
  if (opened.kind === 'refused') return opened
  const { positions } = opened

  let state: Status['state'] = 'starting'
  const saver = createSaver({
    store: positions.store,
    state: () => registryOf(positions, tailer.records()),
    log: log.component('checkpoint'),
  })
  const tailer = openTailer(options, positions, saver.touch)
  const { path, recovered } = positions
  const checkpoint = { path, recovered, saver }

  const rulesOf = await openRules(config.sources)
  const shippers = await Promise.all(
    config.destinations.map((destination) => openShipper(destination, { config, log, version, tailer, rulesOf })),
  )
  const status = () =>
    describeAgent({ config, vitals: vitals(), version, startedAtMs, state, problems, shippers, tailer, checkpoint })
  const stopped = new AbortController()

  return {
    kind: 'opened',
    agent: {
      status,
      async start() {
        // The list of files is durable before anything is read, so that the next start knows them even after a kill.
        await tailer.pass()
        await saver.flush()
        lowerPoolPriority()
        for (const { lane } of shippers) lane.start()
        tailer.start()
        state = config.enabled ? 'running' : 'disabled'
        announce(options, status())
        for (const shipper of config.enabled ? shippers : []) watchShipper(shipper, stopped.signal)
      },
      drain: async (deadlineMs) => {
        state = 'draining'
        stopped.abort()
        const clean = await drain({ shippers, tailer, saver, deadlineMs })
        positions.store.release()
        return { clean }
      },
    },
  }
}

function openTailer(options: AgentOptions, positions: Positions, onChange: () => void): Tailer {
  const { config, log } = options
  return createTailer({
    sources: config.enabled ? config.sources : [],
    destinations: config.destinations.map(({ name }) => name),
    records: positions.generations,
    imports: positions.imports,
    sinceMs: positions.sinceMs,
    knownSources: positions.knownSources,
    openFilesLimit: openFilesLimit(options),
    expireAfterMs: config.checkpoint.expireAfterMs,
    onChange,
    log: log.component('tail'),
    // Without compression the pool is otherwise idle: it reads while the main thread writes.
    files: config.destinations.some(({ compression }) => compression !== 'none') ? cachedReads(nodeFiles) : nodeFiles,
  })
}

/** The configured limit, capped by the system's: if files took every descriptor, nothing could be sent. */
function openFilesLimit({ config, log }: AgentOptions): number {
  const allowance = openFilesAllowance() ?? config.openFilesLimit
  if (allowance >= config.openFilesLimit) return config.openFilesLimit
  log.warn(
    { configured: config.openFilesLimit, limit: allowance },
    'open_files_limit is lowered: this process may not open that many files (ulimit -n)',
  )
  return allowance
}

function announce({ config, log }: AgentOptions, { destinations, sources }: Status): void {
  for (const { name, description } of destinations) log.info({ destination: name }, description)
  for (const { path, integration, state, error, files } of sources) {
    if (state === 'ok' && files.length === 0)
      log.warn({ path, integration }, 'its files are already read by another source')
    else if (state === 'ok') log.info({ path, integration }, 'tailing')
    else if (state === 'pending') {
      const message = 'no file yet: it will be read as soon as it appears'
      if (error === undefined) log.info({ path, integration }, message)
      else log.warn({ path, integration, reason: error }, message)
    } else log.warn({ path, integration, reason: error }, 'not read at present')
  }
  if (!config.enabled) log.warn({}, 'DD_LOGS_ENABLED=false: nothing is collected')
}
