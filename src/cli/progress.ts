import type { Output } from '../io.ts'
import type { Log } from '../log.ts'
import { printable } from '../observe/line.ts'

/** Shows a replay's progress: on a terminal, one line that is redrawn; elsewhere, only warnings. */
export function createProgress(name: string, stderr: Output) {
  let tried = 0
  let delivered = 0
  const draw = (text: string) => {
    if (stderr.terminal !== undefined) stderr.write(`\r\x1b[2K${printable(text).slice(0, stderr.terminal.columns - 1)}`)
  }
  const show = (more: string) => draw(`${name}: ${tried} tried, ${delivered} delivered${more}`)
  const note = (fields: { readonly reason?: unknown }, message: string) => show(`: ${fields.reason ?? message}`)
  const log: Log = { trace() {}, debug() {}, info() {}, warn: note, error: note }
  return {
    /** For messages about retries: the line shows the latest. */
    log,
    warn(message: string) {
      draw('')
      stderr.write(`agent replay: ${printable(message)}\n`)
    },
    add(entries: number, deliveredEntries: number) {
      tried += entries
      delivered += deliveredEntries
      show('')
    },
    end: () => draw(''),
  }
}
