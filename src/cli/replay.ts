import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { geteuid } from 'node:process'
import { openLock } from '../checkpoint/lock.ts'
import type { Config, DestinationConfig } from '../config/config.ts'
import { type ExitCode, exitCode, type Io } from '../io.ts'
import { printable } from '../observe/line.ts'
import { deadLettersPath } from '../run-path.ts'
import { isDenied, type SystemError, systemError } from '../system/system-error.ts'
import { readVersion } from '../version.ts'
import type { Arguments } from './arguments.ts'
import { loadNamedConfig } from './load-named-config.ts'
import { totalOf } from './reasons.ts'
import { type Replay, replayOne } from './replay-one.ts'
import { renderReplay, renderSurvey, replaysJson, surveysJson } from './replay-report.ts'
import { surveyOne } from './replay-survey.ts'
import { usageError } from './usage.ts'

const DEFAULT_ATTEMPTS = 5

/** `agent replay --dead-letter`: resends what destinations refused, and removes what they now accept. */
export async function replay(args: Arguments, io: Io): Promise<ExitCode> {
  if (!args.flag('dead-letter')) return usageError('replay', 'nothing to replay: add --dead-letter', io)
  const attempts = Number(args.value('attempts') ?? DEFAULT_ATTEMPTS)
  if (!Number.isInteger(attempts) || attempts < 1) {
    return usageError('replay', `--attempts cannot be "${args.value('attempts')}": use a whole number, at least 1`, io)
  }
  const loaded = await loadNamedConfig(args, io, 'nothing was replayed')
  if (loaded === undefined) return exitCode.configuration
  const { config } = loaded
  const name = args.value('destination')
  const chosen = config.destinations.filter((destination) => name === undefined || destination.name === name)
  if (chosen.length === 0) {
    const names = config.destinations.map((destination) => destination.name).join(', ')
    return usageError('replay', `no destination is called "${name}": use ${names}`, io)
  }
  const dir = deadLettersPath(config.checkpoint.runPath)
  const found = await subdirectoriesOf(dir)
  if (found.kind === 'failed') return failed(found, io)
  for (const left of found.names.filter((found) => config.destinations.every((known) => known.name !== found))) {
    io.stderr.write(
      `agent replay: ${printable(join(dir, left))} is left alone: no destination of that name is configured\n`,
    )
  }
  const work = { config, chosen, attempts, asJson: args.value('output') === 'json' }
  if (args.flag('dry-run')) return survey(work, io)
  // Without the directory, nothing was ever dead-lettered: a lock would only leave a file behind.
  return found.kind === 'absent' ? replayAll(work, io) : replayLocked(dir, work, io)
}

interface Work {
  readonly config: Config
  readonly chosen: readonly DestinationConfig[]
  readonly attempts: number
  readonly asJson: boolean
}

async function survey({ config, chosen, asJson }: Work, io: Io): Promise<ExitCode> {
  const surveys = await Promise.all(chosen.map((destination) => surveyOne(config, destination)))
  io.stdout.write(asJson ? surveysJson(surveys) : surveys.map(renderSurvey).join(''))
  const fault = surveys.find((each) => each.fault !== undefined)?.fault
  return fault === undefined ? exitCode.ok : codeOfFault(fault)
}

/** Holds a lock against a second replay, which would send everything twice. The agent may run meanwhile. */
async function replayLocked(dir: string, work: Work, io: Io): Promise<ExitCode> {
  const { uid } = await stat(dir)
  if (geteuid?.() === 0 && uid !== 0) {
    io.stderr.write(
      `agent replay: ${printable(dir)} belongs to uid ${uid}: run this as that user, or the agent could not use what root leaves there\n`,
    )
    return exitCode.permission
  }
  const lock = await openLock(dir, `agent replay, process ${io.vitals().pid}`)
  if (lock.kind === 'held') {
    io.stderr.write(`agent replay: another replay is working on ${printable(dir)} (${printable(lock.by)})\n`)
    return exitCode.busy
  }
  if (lock.kind === 'failed') return failed(lock, io)
  try {
    return await replayAll(work, io)
  } finally {
    lock.release()
  }
}

async function replayAll({ config, chosen, attempts, asJson }: Work, io: Io): Promise<ExitCode> {
  const interrupt = new AbortController()
  const unsubscribe = io.onSignal(() => interrupt.abort())
  const options = { config, attempts, version: readVersion(), stderr: io.stderr }
  const replays: Replay[] = []
  for (const destination of chosen) replays.push(await replayOne(destination, options, interrupt.signal))
  unsubscribe()
  io.stdout.write(asJson ? replaysJson(replays) : replays.map(renderReplay).join(''))
  return codeOf(replays)
}

function codeOf(replays: readonly Replay[]): ExitCode {
  const fault = replays.find((replay) => replay.fault !== undefined)?.fault
  if (fault !== undefined) return codeOfFault(fault)
  if (replays.some(({ unreachable }) => unreachable !== undefined)) return exitCode.unavailable
  const isDone = replays.every(({ kept, unreadable, interrupted }) => totalOf(kept) + unreadable === 0 && !interrupted)
  return isDone ? exitCode.ok : exitCode.unhealthy
}

function failed(fault: SystemError, io: Io): ExitCode {
  io.stderr.write(`agent replay: ${printable(fault.message)}\n`)
  return codeOfFault(fault)
}

function codeOfFault(fault: SystemError): ExitCode {
  return isDenied(fault) ? exitCode.permission : exitCode.io
}

type Subdirectories =
  | { readonly kind: 'found' | 'absent'; readonly names: readonly string[] }
  | ({ readonly kind: 'failed' } & SystemError)

async function subdirectoriesOf(dir: string): Promise<Subdirectories> {
  try {
    const entries = await readdir(dir, { withFileTypes: true })
    return { kind: 'found', names: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name) }
  } catch (error) {
    const fault = systemError(error)
    return fault.code === 'ENOENT' ? { kind: 'absent', names: [] } : { kind: 'failed', ...fault }
  }
}
