import { setTimeout as pause } from 'node:timers/promises'
import { type ExitCode, exitCode, type Io } from '../io.ts'
import { writeColored } from './color.ts'

const PERIOD_MS = 1000
/** Moves to the top left corner. */
const home = '\x1b[H'

/** Shows a text every second until a signal arrives or its reader goes away: in place on a terminal, else one after another. */
export async function watch(draw: () => Promise<string>, io: Io): Promise<ExitCode> {
  const stop = new AbortController()
  const unsubscribe = io.onSignal(() => stop.abort())
  const show = async () => {
    const text = await draw()
    const { terminal } = io.stdout
    if (terminal !== undefined) io.stdout.write(home)
    writeColored(io.stdout, terminal === undefined ? text : inPlace(text, terminal))
  }
  await show()
  while (!stop.signal.aborted && !io.stdout.closed) {
    await pause(PERIOD_MS, undefined, { signal: stop.signal }).catch(() => undefined)
    if (!stop.signal.aborted) await show()
  }
  unsubscribe()
  return exitCode.ok
}

/**
 * Prepares text for redrawing: each line erases what is left of the one it replaces, and the last one everything below. Lines
 * that are too wide are cut, because they would take two.
 */
function inPlace(text: string, { rows, columns }: { readonly rows: number; readonly columns: number }): string {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line))
  const shown = lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`]
  return `${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`
}
