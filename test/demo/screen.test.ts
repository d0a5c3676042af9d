import { stripVTControlCharacters } from 'node:util'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { drawPanel, type View } from '../../src/demo/panel.ts'
import { createScreen } from '../../src/demo/screen.ts'
import { fakeIo } from '../cli/fake-io.ts'

function view(more: Partial<View> = {}): View {
  return {
    elapsedMs: 12_000,
    durationMs: 40_000,
    written: { events: 12_480, bytes: 25_000_000 },
    received: { events: 12_000, bytes: 24_000_000 },
    reading: {
      writtenPerSecond: 400,
      receivedPerSecond: 380.4,
      history: [0, 100, 400],
      behind: { events: 480, bytes: 1_000_000, ms: 1200 },
      agent: {
        state: 'retrying',
        inFlight: 3,
        lagBytes: 2048,
        lagMs: 900,
        memoryBytes: 90 * 2 ** 20,
        deadLetteredRecords: 0,
      },
      retries: 7,
      peakMemoryBytes: 92 * 2 ** 20,
    },
    agentRunning: true,
    warning: undefined,
    ...more,
  }
}

const down = view({ agentRunning: false, reading: { ...view().reading, agent: undefined } })
const elapsedMs = () => 4300

describe('the panel', () => {
  it('shows what was written and received, what is in flight, lag, retries and memory', () => {
    const text = drawPanel(view(), 100, pc.createColors(false)).join('\n')
    for (const part of ['12,480 events', '12,000 events', '380/s', '3 batches', '7 retries', '480 events', '1.2 s']) {
      expect(text).toContain(part)
    }
    for (const part of ['agent: retrying', '90.0 MiB', 'peak 92.0 MiB', ' ▂█', '12.0 s of 40.0 s'])
      expect(text).toContain(part)
  })

  it('says when the agent is down', () => {
    expect(drawPanel(down, 100, pc.createColors(false)).join('\n')).toContain('agent: DOWN')
  })

  it.each([42, 60, 80, 200])('never is wider than %i columns', (columns) => {
    for (const frame of [view({ warning: 'x'.repeat(500) }), down]) {
      const lines = drawPanel(frame, columns, pc.createColors(true)).map(stripVTControlCharacters)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
    }
  })
})

describe('the screen', () => {
  it('writes a line a second at most where there is no terminal, and every announcement', () => {
    const io = fakeIo()
    const screen = createScreen(io, { json: false, elapsedMs })
    for (const ms of [0, 250, 999, 1000, 1500, 2100]) screen.show(view({ elapsedMs: ms }))
    screen.announce('outage', 'The intake is down.')
    const lines = io.stdout.text.trimEnd().split('\n')
    expect(lines.map((line) => line.slice(0, 28))).toEqual([
      '   0.0 s  written 12,480 · r',
      '   1.0 s  written 12,480 · r',
      '   2.1 s  written 12,480 · r',
      '   4.3 s  OUTAGE      The in',
    ])
    expect(io.stdout.text).not.toContain('\x1b')
  })

  it('redraws the panel below the announcements on a terminal', () => {
    const io = fakeIo({ terminal: { columns: 100, rows: 40 } })
    const screen = createScreen(io, { json: false, elapsedMs })
    screen.show(view())
    const height = io.stdout.text.split('\n').length - 1
    screen.announce('outage', 'The intake is down.')
    screen.close()
    const [panel = '', ...redrawn] = io.stdout.text.split(`\x1b[${height}A\x1b[J`).map(stripVTControlCharacters)
    expect(redrawn).toEqual([`   4.3 s  OUTAGE      The intake is down.\n${panel}`, ''])
  })

  it('has colours only where the output has them', () => {
    const { stdout, stderr } = fakeIo({ terminal: { columns: 100, rows: 40 } })
    for (const color of [true, false]) {
      const screen = createScreen({ stdout: { ...stdout, color }, stderr }, { json: false, elapsedMs })
      const before = stdout.text.length
      screen.announce('outage', 'The intake is down.')
      screen.show(view())
      expect(stdout.text.slice(before).includes('\x1b[')).toBe(color)
    }
  })

  it('wraps announcements at the width of the terminal', () => {
    const io = fakeIo({ terminal: { columns: 50, rows: 40 } })
    createScreen(io, { json: false, elapsedMs }).announce('outage', 'The intake is down and nobody can reach it.')
    expect(stripVTControlCharacters(io.stdout.text)).toBe(
      '   4.3 s  OUTAGE      The intake is down and\n                      nobody can reach it.\n',
    )
  })

  it('leaves standard output alone for JSON, and announces on standard error', () => {
    const io = fakeIo({ terminal: { columns: 100, rows: 40 } })
    const screen = createScreen(io, { json: true, elapsedMs })
    screen.show(view())
    screen.announce('outage', 'The intake is down.')
    screen.close()
    expect([io.stdout.text, io.stderr.text]).toEqual(['', '   4.3 s  OUTAGE      The intake is down.\n'])
  })
})
