import type { DestinationType } from '../config/config.ts'
import type { Io } from '../io.ts'
import type { AgentLogLine } from './agent-log.ts'
import { describeExit } from './child.ts'
import { type Cleanup, prepareCleanup } from './cleanup.ts'
import { createRotationNotice, injectFaults } from './faults.ts'
import { createGauges, type Gauges } from './gauges.ts'
import type { View } from './panel.ts'
import { type Participants, prepareParticipants } from './participants.ts'
import { judge, type Kill, type Scorecard } from './scorecard.ts'
import { createScreen, type Screen } from './screen.ts'
import { createWaits } from './waits.ts'
import { type Snapshot, startWatch, type Watch } from './watch.ts'

export interface DemoSettings {
  /** Planned length of the run; waiting for a slow agent comes on top. */
  readonly durationMs: number
  readonly seed: number
  readonly destination: DestinationType
  readonly eventsPerSecond: number
  /** Shows only the announcements, on standard error. */
  readonly json: boolean
  /** The agent's main program. */
  readonly program: string
}

/** The score card, and the end of the agent's own log for diagnosis. */
export interface DemoResult {
  readonly scorecard: Scorecard
  readonly agentLog: readonly AgentLogLine[]
}

/** One run of the demo. */
interface Run {
  readonly settings: DemoSettings
  readonly startedAtMs: number
  /** How long the writer runs. */
  readonly writingMs: number
  readonly screen: Screen
  readonly gauges: Gauges
  readonly kills: Kill[]
  /** Failures that the counts do not show. */
  readonly problems: string[]
  readonly agentLog: AgentLogLine[]
  warning: { readonly message: string; readonly atMs: number } | undefined
  /** Ends the demo early. */
  readonly early: AbortController
  interrupted: boolean
}

const START_DEADLINE_MS = 10_000
const DRAIN_DEADLINE_MS = 15_000
const STOP_DEADLINE_MS = 10_000
/** For starting the processes and for draining at the end. */
const MARGIN_MS = 5000
const MEAN_EVENT_BYTES = 2020
/** Number of files the writer fills in its running time. */
const FILES_TO_FILL = 9
/** The largest event fits. */
const MIN_FILE_BYTES = 256 * 1024
const KEPT_LOG_LINES = 30
const WARNING_SHOWN_MS = 5000

/** Resolves with undefined if a signal ended it. Its processes and files are gone in either case. */
export async function playDemo(settings: DemoSettings, io: Io): Promise<DemoResult | undefined> {
  const run = newRun(settings, io)
  const stopListening = io.onSignal(() => {
    run.interrupted = true
    run.early.abort()
  })
  const cleanup = await prepareCleanup()
  try {
    return await runWith(run, await prepareParticipants(participantsOptions(run, io, cleanup)))
  } finally {
    run.screen.close()
    await cleanup.finish()
    stopListening()
  }
}

function newRun(settings: DemoSettings, io: Io): Run {
  const startedAtMs = performance.now()
  return {
    settings,
    startedAtMs,
    writingMs: Math.max(settings.durationMs * 0.6, settings.durationMs - MARGIN_MS),
    screen: createScreen(io, { json: settings.json, elapsedMs: () => performance.now() - startedAtMs }),
    gauges: createGauges(),
    kills: [],
    problems: [],
    agentLog: [],
    warning: undefined,
    early: new AbortController(),
    interrupted: false,
  }
}

function participantsOptions(run: Run, io: Io, cleanup: Cleanup) {
  const { settings, writingMs, agentLog } = run
  const bytes = (writingMs / 1000) * settings.eventsPerSecond * MEAN_EVENT_BYTES
  return {
    ...settings,
    io,
    cleanup,
    maxFileBytes: Math.max(MIN_FILE_BYTES, Math.ceil(bytes / FILES_TO_FILL)),
    onRotation: createRotationNotice(run.screen.announce),
    onLog: (line: AgentLogLine) => {
      agentLog.push(line)
      if (agentLog.length > KEPT_LOG_LINES) agentLog.shift()
      if (line.level === 'warn' || line.level === 'error') {
        run.warning = { message: line.message, atMs: performance.now() }
      }
    },
    onFailure: (problem: string) => {
      run.problems.push(problem)
      run.early.abort()
    },
  }
}

async function runWith(run: Run, participants: Participants): Promise<DemoResult | undefined> {
  run.screen.print(introduction(run, participants))
  const watch = startWatch(participants, run.gauges, (snapshot) => run.screen.show(viewOf(run, snapshot)))
  try {
    await runScriptUntilAborted(run, participants, watch)
    return run.interrupted ? undefined : await conclude(run, participants, watch)
  } finally {
    watch.stop()
    await participants.intake.close()
  }
}

async function runScriptUntilAborted(run: Run, participants: Participants, watch: Watch): Promise<void> {
  try {
    await runScript(run, participants, watch)
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error
  }
}

async function runScript(run: Run, participants: Participants, watch: Watch): Promise<void> {
  const { writer, agent, intake } = participants
  const { announce } = run.screen
  const waits = createWaits(run.early.signal)
  agent.start()
  announce('start', 'The agent starts as a child process. The log it tails does not exist yet.')
  if (!(await waits.until(() => watch.agentSeen, START_DEADLINE_MS))) {
    run.problems.push('the agent did not answer on its socket in time')
  }
  writer.start()
  announce('start', 'The writer starts and plays kube-apiserver. The intake keeps its own count.')
  const writingSinceMs = performance.now()
  const { writingMs, kills, problems } = run
  const reach = (share: number) => waits.pause(writingSinceMs + share * writingMs - performance.now())
  await injectFaults({ writer, agent, intake, announce, writingMs, kills, problems, ...waits, reach })
  await writer.stop()
  announce('end', 'The writer is done. The agent sends what is left.')
  await waits.until(() => intake.received.arrivals.size >= writer.written.lines.size, DRAIN_DEADLINE_MS)
}

async function conclude(run: Run, { writer, agent, intake }: Participants, watch: Watch): Promise<DemoResult> {
  await writer.stop()
  const exit = await agent.stop(STOP_DEADLINE_MS)
  const described = describeExit(exit)
  if (run.early.signal.aborted) {
    run.screen.announce('end', 'The demo ends early. The intake checks what arrived.')
  } else {
    run.screen.announce('end', `The agent stops on SIGTERM: ${described}. The intake checks what arrived.`)
    if (exit.code !== 0) run.problems.push(`the agent did not end with exit code 0: ${described}`)
  }
  watch.takeSnapshot()
  const scorecard = judge({
    seed: run.settings.seed,
    destination: run.settings.destination,
    durationMs: Math.round(performance.now() - run.startedAtMs),
    written: writer.written,
    received: intake.received,
    kills: run.kills,
    measured: run.gauges.measured(),
    agent: { exitCode: exit.code, deadLetteredRecords: run.gauges.deadLetteredRecords },
    problems: run.problems,
  })
  return { scorecard, agentLog: run.agentLog }
}

function viewOf(run: Run, snapshot: Snapshot): View {
  const nowMs = performance.now()
  const { warning } = run
  return {
    ...snapshot,
    elapsedMs: nowMs - run.startedAtMs,
    durationMs: run.settings.durationMs,
    warning: warning && nowMs - warning.atMs < WARNING_SHOWN_MS ? warning.message : undefined,
  }
}

function introduction({ settings }: Run, { intake, configPath }: Participants): string[] {
  const { eventsPerSecond, seed, destination } = settings
  return [
    '',
    `  writer   ${eventsPerSecond} audit events per second (seed ${seed}) into a rotating audit.log`,
    `  agent    agent run --config ${configPath}`,
    `  intake   ${intake.url} (${destination}): checks key and encoding, counts by auditID and stage`,
    '',
  ]
}
