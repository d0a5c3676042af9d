/**
 * The process that plays kube-apiserver: it writes events at a steady rate and takes commands over its IPC channel. It is a
 * separate process so that the demo's drawing and counting cannot slow it down, and so that it can crash.
 */
import { crc32 } from 'node:zlib'
import { openAuditLog } from './audit-log.ts'
import { createEventSource, identityOf } from './events/events.ts'

export interface WriterSettings {
  readonly seed: number
  /** Events already made by an earlier writer. */
  readonly firstEvent: number
  readonly path: string
  readonly maxSizeBytes: number
  readonly maxBackups: number
  readonly eventsPerSecond: number
}

export type WriterCommand =
  | { readonly kind: 'start'; readonly settings: WriterSettings }
  | { readonly kind: 'rotate' }
  /** Writes part of an event and dies, as in a power loss. */
  | { readonly kind: 'tear' }
  | { readonly kind: 'stop' }

/** Identity, CRC-32 of the line without its newline, and the line's bytes. */
type WrittenEvent = readonly [identity: string, crc32: number, bytes: number]

export type WriterReport =
  | { readonly kind: 'wrote'; readonly events: readonly WrittenEvent[] }
  | { readonly kind: 'rotated'; readonly backup: string }
  | { readonly kind: 'torn'; readonly identity: string; readonly bytes: number; readonly ofBytes: number }
  | { readonly kind: 'stopped' }

const TICK_MS = 20

function run(settings: WriterSettings): void {
  const source = createEventSource(settings.seed, settings.firstEvent)
  const log = openAuditLog({ ...settings, nowMs: Date.now })
  const startedAtMs = performance.now()

  const rotated = (backup: string | undefined) => {
    if (backup) report({ kind: 'rotated', backup })
  }
  const writeDue = () => {
    const due = Math.floor(((performance.now() - startedAtMs) / 1000) * settings.eventsPerSecond)
    const events: WrittenEvent[] = []
    while (source.count < settings.firstEvent + due) {
      const line = source.next(Date.now())
      rotated(log.write(line))
      events.push([identityOf(line) ?? '', crc32(line.subarray(0, -1)), line.length])
    }
    if (events.length > 0) report({ kind: 'wrote', events })
  }
  const tear = () => {
    const line = source.next(Date.now())
    const bytes = Math.floor(line.length * 0.6)
    rotated(log.write(line.subarray(0, bytes)))
    const torn = { kind: 'torn', identity: identityOf(line) ?? '', bytes, ofBytes: line.length } as const
    report(torn, () => process.kill(process.pid, 'SIGKILL'))
  }
  const ticks = setInterval(writeDue, TICK_MS)
  process.on('message', (command: WriterCommand) => {
    if (command.kind === 'rotate') rotated(log.rotate())
    if (command.kind === 'start' || command.kind === 'rotate') return
    clearInterval(ticks)
    if (command.kind === 'tear') return tear()
    log.close()
    report({ kind: 'stopped' }, () => process.disconnect?.())
  })
}

/** Reports arrive in order; `sent` is called once the report has left this process. */
function report(message: WriterReport, sent: () => void = () => undefined): void {
  process.send?.(message, sent)
}

process.once('message', (command: WriterCommand) => {
  if (command.kind === 'start') run(command.settings)
})
process.once('disconnect', () => process.exit())
