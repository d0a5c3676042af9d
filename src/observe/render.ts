import { banner, bytes, duration, timestamp } from './format.ts'
import { checkLine, printable } from './line.ts'
import { renderDelivery } from './render-delivery.ts'
import { renderLogs } from './render-logs.ts'
import type { Check, CheckpointStatus, Status } from './status.ts'

/** The sections of `agent status`, in order. */
export const statusSections = ['agent', 'logs', 'checkpoint'] as const
export type StatusSection = (typeof statusSections)[number]

/** The status as plain text for people. The words OK, WARN and FAIL carry what colour would. */
export function renderStatus(status: Status, sections: readonly StatusSection[] = statusSections): string {
  const render: Readonly<Record<StatusSection, () => string[]>> = {
    agent: () => renderAgent(status),
    logs: () => renderLogs(status),
    checkpoint: () => renderCheckpoint(status.checkpoint, Date.parse(status.now)),
  }
  return `${sections.map((section) => render[section]().join('\n')).join('\n\n')}\n`
}

function renderAgent(status: Status): string[] {
  const nowMs = Date.parse(status.now)
  const { health, config, process } = status
  return [
    ...banner(`tailship agent (v${status.version})`),
    '',
    `  Status date: ${status.now}`,
    `  Agent start: ${timestamp(status.startedAt, nowMs)}`,
    `  State: ${status.state === 'disabled' ? 'disabled: DD_LOGS_ENABLED is false, nothing is read' : status.state}`,
    `  Pid: ${status.pid}`,
    `  Hostname: ${printable(status.hostname)}`,
    `  Config: ${config.files.map(printable).join(', ')}`,
    `  Memory: ${bytes(process.rssBytes)}`,
    `  CPU: ${duration(process.cpuSeconds * 1000)}`,
    `  Open files: ${process.openFiles}`,
    '',
    '  Health',
    '  ------',
    ...Object.entries(health).flatMap(([name, check]) => checkLines(name, check)),
    ...config.problems.map((problem) => `    WARN  config: ${printable(problem)}`),
    '',
    ...renderDelivery(status),
  ]
}

/** Several reasons have a line each. */
function checkLines(name: string, check: Check): string[] {
  if (check.reasons.length < 2) return [`    ${checkLine(name, check)}`]
  return [`    FAIL  ${name}:`, ...check.reasons.map((reason) => `          - ${printable(reason)}`)]
}

function renderCheckpoint(checkpoint: CheckpointStatus, nowMs: number): string[] {
  const { path, writable, lastWrittenAt, error, recovered } = checkpoint
  const problem = error === undefined ? '' : `: ${printable(error)}`
  return [
    ...banner('Checkpoint'),
    '',
    `    Status: ${writable ? `${problem === '' ? 'OK' : 'WARN'}${problem}` : `FAIL not writable${problem}`}`,
    `    Path: ${printable(path)}`,
    `    LastWritten: ${lastWrittenAt === undefined ? 'never' : timestamp(lastWrittenAt, nowMs)}`,
    ...(recovered === undefined ? [] : [`    Recovered: WARN ${printable(recovered)}`]),
  ]
}
