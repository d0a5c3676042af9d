import type pc from 'picocolors'
import { humanBytes } from '../observe/format.ts'
import { count, countOf, seconds } from './format.ts'
import type { Amount, Reading } from './gauges.ts'
import type { Snapshot } from './watch.ts'

export type Colors = ReturnType<typeof pc.createColors>

/** Everything shown in a frame of the live panel. */
export interface View extends Snapshot {
  readonly elapsedMs: number
  readonly durationMs: number
  /** The agent's last warning. */
  readonly warning: string | undefined
}

const bars = '▁▂▃▄▅▆▇█'

/** The lines of a frame, none wider than `columns`. */
export function drawPanel(view: View, columns: number, colors: Colors): string[] {
  const { reading } = view
  const width = Math.max(40, Math.min(columns, 100))
  const plain = (text: string) => text
  const rows: readonly (readonly [string, string, (text: string) => string])[] = [
    ['written', `${amount(view.written)}${perSecond(reading.writtenPerSecond)}`, plain],
    ['received', `${amount(view.received)}${perSecond(reading.receivedPerSecond)}`, plain],
    ['in flight', inFlight(view), plain],
    ['lag', lag(view), isTroubled(view) ? colors.yellow : plain],
    ['memory', memory(reading), plain],
    ['arrivals', spark(reading.history), colors.green],
    ...(view.warning ? [['agent log', view.warning, colors.yellow] as const] : []),
  ]
  return [
    '',
    progress(view, width, colors),
    ...rows.map(([label, text, paint]) => `  ${colors.dim(label.padEnd(10))} ${paint(cut(text, width - 13))}`),
  ]
}

/** The same on one line, for output that cannot be redrawn. */
export function statusLine({ written, received, reading, agentRunning }: View): string {
  const { agent } = reading
  return [
    `written ${count(written.events)}`,
    `received ${count(received.events)}`,
    agent ? `in flight ${agent.inFlight}` : `agent ${agentRunning ? 'silent' : 'down'}`,
    `lag ${count(reading.behind.events)} events ${seconds(reading.behind.ms)}`,
    `retries ${reading.retries}`,
    ...(agent ? [humanBytes(agent.memoryBytes)] : []),
    `${Math.round(reading.receivedPerSecond)} events/s`,
  ].join(' · ')
}

function progress({ elapsedMs, durationMs }: View, width: number, colors: Colors): string {
  const text = ` ${seconds(elapsedMs)} of ${seconds(durationMs)}`
  const room = width - 2 - text.length
  const filled = Math.round(Math.min(1, elapsedMs / durationMs) * room)
  return `  ${colors.cyan('━'.repeat(filled))}${colors.dim('─'.repeat(room - filled))}${text}`
}

function inFlight({ reading: { agent, retries } }: View): string {
  const batches = agent ? countOf(agent.inFlight, 'batch', 'batches') : '–'
  return `${batches.padEnd(16)}${countOf(retries, 'retry', 'retries')} so far`
}

function lag({ reading: { agent, behind }, agentRunning }: View): string {
  const events = countOf(behind.events, 'event').padEnd(16)
  if (agent)
    return `${events}${humanBytes(agent.lagBytes).padEnd(12)}${seconds(behind.ms).padEnd(8)}agent: ${agent.state}`
  const state = agentRunning ? 'agent: starting' : 'agent: DOWN, the files wait'
  return `${events}${humanBytes(behind.bytes).padEnd(12)}${seconds(behind.ms).padEnd(8)}${state}`
}

function memory({ agent, peakMemoryBytes }: Reading): string {
  return `${(agent ? humanBytes(agent.memoryBytes) : '–').padEnd(16)}peak ${humanBytes(peakMemoryBytes)}`
}

function spark(history: readonly number[]): string {
  const highest = Math.max(1, ...history)
  return history.map((value) => (value <= 0 ? ' ' : bars[Math.ceil((value / highest) * bars.length) - 1])).join('')
}

function isTroubled({ agentRunning, reading: { agent } }: View): boolean {
  return !agentRunning || (agent !== undefined && agent.state !== 'running')
}

function amount({ events, bytes }: Amount): string {
  return `${countOf(events, 'event').padEnd(16)}${humanBytes(bytes).padEnd(12)}`
}

function perSecond(rate: number): string {
  return `${Math.round(rate)}/s`
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}
