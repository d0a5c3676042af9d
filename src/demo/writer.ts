import type { ChildProcess } from 'node:child_process'
import type { WriterCommand, WriterReport, WriterSettings } from './audit-writer.ts'
import { describeExit, exitOf, forkProgram } from './child.ts'

/** What was written, according to the writer. */
export interface Written {
  /** CRC-32 of each complete line, without its newline, by identity. */
  readonly lines: Map<string, number>
  /** Events cut off in the middle: they never became complete lines. */
  readonly torn: { readonly identity: string; readonly bytes: number; readonly ofBytes: number }[]
  /** Bytes of the complete lines. */
  bytes: number
  rotations: number
}

export interface Writer {
  readonly written: Written
  /** Starts the process; after a crash, a new one that continues with the next event. */
  start(): void
  rotate(): void
  /** Makes the writer die in the middle of an event; resolves when it is dead. */
  crash(): Promise<void>
  /** Resolves when everything has been written and the process is gone. */
  stop(): Promise<void>
}

export interface WriterOptions extends Omit<WriterSettings, 'firstEvent'> {
  readonly onStart: (child: ChildProcess) => void
  readonly onRotation: (backup: string) => void
  /** The process exited unexpectedly. */
  readonly onFailure: (reason: string) => void
}

const MAX_STDERR_CHARS = 4000

export function createWriter(options: WriterOptions): Writer {
  const { onStart, onRotation, onFailure, ...settings } = options
  const written: Written = { lines: new Map(), torn: [], bytes: 0, rotations: 0 }
  let child: ChildProcess | undefined
  let gone: Promise<void> = Promise.resolve()

  const record = (report: WriterReport) => {
    if (report.kind === 'wrote') {
      for (const [identity, crc, bytes] of report.events) {
        written.lines.set(identity, crc)
        written.bytes += bytes
      }
    } else if (report.kind === 'rotated') {
      written.rotations++
      onRotation(report.backup)
    } else if (report.kind === 'torn') {
      written.torn.push(report)
    }
  }
  const tell = (command: WriterCommand) => {
    if (child?.connected) child.send(command)
  }
  const start = () => {
    const started = forkProgram('./audit-writer', 'pipe')
    let stderrText = ''
    child = started
    started.on('message', record)
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderrText = (stderrText + text).slice(0, MAX_STDERR_CHARS)
    })
    gone = exitOf(started).then((exit) => {
      if (child === started) onFailure(`the writer exited unexpectedly: ${errorIn(stderrText) ?? describeExit(exit)}`)
    })
    onStart(started)
    tell({ kind: 'start', settings: { ...settings, firstEvent: written.lines.size + written.torn.length } })
  }
  const end = (command: WriterCommand) => {
    tell(command)
    child = undefined
    return gone
  }
  return {
    written,
    start,
    rotate: () => tell({ kind: 'rotate' }),
    crash: () => end({ kind: 'tear' }),
    stop: () => end({ kind: 'stop' }),
  }
}

/** The line of a stack trace that states the error. */
function errorIn(stderrText: string): string | undefined {
  return /^\w*Error: .*$/m.exec(stderrText)?.[0]
}
