import { setTimeout as pause } from 'node:timers/promises'
import { writeColored } from './color.ts'
import { type ExitCode, exitCode, type Io } from './io.ts'

const periodMs = 1000

/** Draws a text again each second until a signal comes or its reader goes away: in place on a terminal, else one after the other. */
export async function watch(draw: () => Promise<string>, io: Io): Promise<ExitCode> {
  const stop = new AbortController()
  const unsubscribe = io.onSignal(() => stop.abort())
  while (!stop.signal.aborted && !io.stdout.closed) {
    const text = await draw()
    const { terminal } = io.stdout
    writeColored(io.stdout, terminal === undefined ? text : inPlace(text, terminal.rows))
    await pause(periodMs, undefined, { signal: stop.signal }).catch(() => undefined)
  }
  unsubscribe()
  return exitCode.ok
}

/** From the top left corner; every line erases what it leaves of the former one, the last one everything below. */
function inPlace(text: string, rows: number): string {
  const lines = text.trimEnd().split('\n')
  const shown = lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`]
  return `\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`
}
