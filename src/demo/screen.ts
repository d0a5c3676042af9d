import pc from 'picocolors'
import type { Io, Output } from '../io.ts'
import { seconds } from './format.ts'
import { drawPanel, statusLine, type View } from './panel.ts'

/** Where the demo reports what happens. */
export interface Screen {
  /** Prints a permanent line: `tag` is a word or two, `text` a short sentence. */
  announce(tag: Tag, text: string): void
  /** Shows the current state. Called for every new one; the output determines how and how often it appears. */
  show(view: View): void
  /** Prints lines without a time or a tag. */
  print(lines: readonly string[]): void
  /** Removes the panel. */
  close(): void
}

type Tag = 'start' | 'rotation' | 'outage' | '429' | 'lost reply' | 'kill -9' | 'torn line' | 'recovered' | 'end'

const TAG_WIDTH = 10
const hang = ' '.repeat(22)

export interface ScreenOptions {
  /** For the times before announcements. */
  readonly elapsedMs: () => number
  /** Standard output is reserved for one JSON document: only announcements are shown, on standard error. */
  readonly json: boolean
}

export function createScreen(io: Pick<Io, 'stdout' | 'stderr'>, options: ScreenOptions): Screen {
  if (options.json) return { ...plainScreen(io.stderr, options), show: () => undefined }
  return io.stdout.terminal ? liveScreen(io.stdout, options) : plainScreen(io.stdout, options)
}

function plainScreen(output: Output, { elapsedMs }: ScreenOptions): Screen {
  const everyMs = 1000
  let shownAtMs = Number.NEGATIVE_INFINITY
  return {
    announce: (tag, text) => output.write(`${announcement(tag, text, elapsedMs())}\n`),
    show: (view) => {
      if (view.elapsedMs - shownAtMs < everyMs) return
      shownAtMs = view.elapsedMs
      output.write(`${time(view.elapsedMs)}  ${statusLine(view)}\n`)
    },
    print: (lines) => output.write(`${lines.join('\n')}\n`),
    close: () => undefined,
  }
}

/** Announcements scroll; the panel stays below them and is redrawn in place. */
function liveScreen(output: Output, { elapsedMs }: ScreenOptions): Screen {
  const colors = pc.createColors(output.color)
  let panel: readonly string[] = []
  const columns = () => output.terminal?.columns ?? 80
  const erase = () => (panel.length > 0 ? `\x1b[${panel.length}A\x1b[J` : '')
  const above = (text: string) => output.write(`${erase()}${text}\n${panel.map((line) => `${line}\n`).join('')}`)
  const paint: Record<Tag, (text: string) => string> = {
    start: colors.cyan,
    rotation: colors.blue,
    outage: colors.red,
    '429': colors.yellow,
    'lost reply': colors.yellow,
    'kill -9': colors.red,
    'torn line': colors.magenta,
    recovered: colors.green,
    end: colors.cyan,
  }
  return {
    announce: (tag, text) => {
      const [first = '', ...more] = wrap(announcement(tag, text, elapsedMs()), columns())
      const start = time(0).length + 2
      const head = colors.dim(first.slice(0, start)) + paint[tag](first.slice(start, start + TAG_WIDTH))
      above([head + first.slice(start + TAG_WIDTH), ...more].join('\n'))
    },
    show: (view) => {
      const erased = erase()
      panel = drawPanel(view, columns() - 1, colors)
      output.write(erased + panel.map((line) => `${line}\n`).join(''))
    },
    print: (lines) => above(lines.join('\n')),
    close: () => {
      output.write(erase())
      panel = []
    },
  }
}

function announcement(tag: Tag, text: string, elapsedMs: number): string {
  return `${time(elapsedMs)}  ${tag.toUpperCase().padEnd(TAG_WIDTH)}  ${text}`
}

function time(elapsedMs: number): string {
  return seconds(elapsedMs).padStart(8)
}

function wrap(text: string, columns: number): string[] {
  const width = Math.max(columns - 1, hang.length + 20)
  if (text.length <= width) return [text]
  const at = text.lastIndexOf(' ', width)
  const cut = at > hang.length ? at : width
  return [text.slice(0, cut), ...wrap(hang + text.slice(cut).trimStart(), columns)]
}
