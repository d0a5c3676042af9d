import pc from 'picocolors'
import { parseDuration } from '../config/units.ts'
import { programPath } from '../demo/child.ts'
import { type DemoResult, type DemoSettings, playDemo } from '../demo/demo.ts'
import { scorecardLines } from '../demo/scorecard-text.ts'
import { type ExitCode, exitCode, type Io } from '../io.ts'
import { usageError } from './usage.ts'

/** The options as typed; undefined means the default. */
export interface DemoArguments {
  readonly json: boolean
  readonly duration?: string | undefined
  readonly seed?: string | undefined
  readonly destination?: string | undefined
  /** Events a second. */
  readonly rate?: string | undefined
}

const defaults = { duration: '40s', seed: '42', destination: 'datadog', rate: '400' }
const duration = { minMs: 10_000, maxMs: 3_600_000 }
const rate = { min: 10, max: 5000 }
/** Bounds memory: the demo remembers every event. */
const MAX_EVENTS = 2_000_000

/** Exits 0 if the score card says PASS; 1 if it says FAIL, or if a signal ended the demo. */
export async function runDemo(args: DemoArguments, io: Io): Promise<ExitCode> {
  const settings = readSettings(args)
  if (typeof settings === 'string') return usageError('demo', settings, io)
  const result = await playDemo(settings, io)
  if (!result) {
    io.stderr.write('agent demo: ended early; its processes and files are gone\n')
    return exitCode.unhealthy
  }
  report(result, settings, io)
  return result.scorecard.verdict === 'PASS' ? exitCode.ok : exitCode.unhealthy
}

/** Returns an error message if an option is invalid. */
function readSettings(args: DemoArguments): DemoSettings | string {
  const durationMs = parseDuration(args.duration ?? defaults.duration)
  if (durationMs === undefined || durationMs < duration.minMs || durationMs > duration.maxMs) {
    return '--duration must be between 10s and 1h, for example 45s'
  }
  const seed = Number(args.seed ?? defaults.seed)
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) return '--seed must be a whole number up to 4294967295'
  const destination = args.destination ?? defaults.destination
  if (destination !== 'datadog' && destination !== 'webhook') return '--destination must be datadog or webhook'
  const eventsPerSecond = Number(args.rate ?? defaults.rate)
  if (!(eventsPerSecond >= rate.min && eventsPerSecond <= rate.max)) {
    return `--rate must be between ${rate.min} and ${rate.max} events a second`
  }
  if ((durationMs / 1000) * eventsPerSecond > MAX_EVENTS) {
    return `--duration and --rate may make ${MAX_EVENTS} events at most`
  }
  return { durationMs, seed, destination, eventsPerSecond, json: args.json, program: programPath('../main') }
}

function report({ scorecard, agentLog }: DemoResult, settings: DemoSettings, io: Io): void {
  if (settings.json) io.stdout.write(`${JSON.stringify(scorecard, null, 2)}\n`)
  else io.stdout.write(`${scorecardLines(scorecard, pc.createColors(io.stdout.color)).join('\n')}\n`)
  if (scorecard.verdict === 'PASS' || agentLog.length === 0) return
  const lines = agentLog.map(({ level, message }) => `  ${level.padEnd(5)} ${message}`)
  io.stderr.write(`The agent's last words:\n${lines.join('\n')}\n`)
}
