import { type AgentOptions, openAgent } from '../agent/agent.ts'
import { type Problem, plainProblemLine } from '../config/problem.ts'
import { type ExitCode, exitCode, type Io } from '../io.ts'
import type { Log } from '../log.ts'
import { createLog, fileSink } from '../observe/log.ts'
import { startServer } from '../observe/server.ts'
import { readVersion } from '../version.ts'
import type { Arguments } from './arguments.ts'
import { certificateProblems } from './certificate-problems.ts'
import { credentialsOf } from './credentials.ts'
import { loadNamedConfig } from './load-named-config.ts'

/** With what `longestDrainMs` adds, must be less than the termination grace period in deploy/daemonset.yaml. */
export const DRAIN_DEADLINE_MS = 35_000
const STDERR_FD = 2

/** `agent run`: ends on a signal, or if it cannot start. */
export async function run(args: Arguments, io: Io): Promise<ExitCode> {
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  let signals = 0
  io.onSignal((signal) => {
    signals += 1
    if (signals === 1) first.resolve(signal)
    // Nothing is lost: positions on disk never pass unsettled data.
    else second.resolve(signal)
  })
  // An agent with nothing to read and no address to serve still waits for a signal.
  const alive = setInterval(() => {}, 2 ** 30)
  try {
    const signalled = { first: first.promise, second: second.promise }
    return await Promise.race([runUntil(signalled, args, io), second.promise.then(() => exitCode.unhealthy)])
  } finally {
    clearInterval(alive)
  }
}

/** The first signal stops the agent in order; the second ends it at once. */
interface StopSignals {
  readonly first: Promise<string>
  readonly second: Promise<string>
}

async function runUntil({ first, second }: StopSignals, args: Arguments, io: Io): Promise<ExitCode> {
  const loaded = await loadNamedConfig(args, io, 'the configuration has problems; nothing was started')
  if (loaded === undefined) return exitCode.configuration
  const { config, origins, problems } = loaded
  const log = createLog({ level: config.logLevel, sink: fileSink(STDERR_FD) })
  void second.then((signal) => {
    log.warn({ signal }, 'stopped at once by a second signal; what is not settled is read again at the next start')
  })
  const version = readVersion()
  log.info({ version, config: config.files, runPath: config.checkpoint.runPath }, 'tailship starts')
  const configLog = log.component('config')
  for (const problem of problems) reportProblem(problem, configLog)
  // Kept out of the status, which would still report them after renewal. Not awaited, so that no file delays the start.
  void credentialsOf(config.destinations, origins.destinations)
    .then((credentials) => certificateProblems(credentials, Date.now()))
    .then((expiring) => {
      for (const problem of expiring) reportProblem(problem, configLog)
    })
  // Transient problems are left out: as long as they last, they show in the state of what they concern.
  const standing = problems.filter(({ isTransient }) => !isTransient).map(plainProblemLine)
  return serveUntil(first, { config, problems: standing, log, version, vitals: io.vitals })
}

async function serveUntil(stopped: Promise<string>, options: AgentOptions): Promise<ExitCode> {
  const { config, log } = options
  const opened = await openAgent(options)
  if (opened.kind === 'refused') {
    log.error({}, opened.message)
    return opened.why === 'held' ? exitCode.busy : exitCode.permission
  }
  const { agent } = opened
  const server = await startServer({
    runPath: config.checkpoint.runPath,
    ...config.server,
    status: () => agent.status(),
    log: log.component('server'),
  })
  await agent.start()
  const signal = await stopped
  log.info({ signal, deadlineMs: DRAIN_DEADLINE_MS }, 'draining; a second signal exits at once')
  const { clean } = await agent.drain(DRAIN_DEADLINE_MS)
  await server.close()
  if (clean) log.info({}, 'drained')
  else log.warn({}, 'stopped before everything read was delivered; the rest is read again at the next start')
  return exitCode.ok
}

function reportProblem(problem: Problem, log: Log): void {
  log.warn({ setting: problem.key, hint: problem.hint }, plainProblemLine(problem))
}
