import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createLog, fileSink } from '../../src/observe/log.ts'

function recordingLog(level: 'trace' | 'info' = 'info') {
  const lines: string[] = []
  let nowMs = 0
  let broken = false
  const log = createLog({
    level,
    sink: (line) => {
      if (!broken) lines.push(line)
      return !broken
    },
    monotonicMs: () => nowMs,
  })
  return {
    log,
    records: () => lines.map((line) => JSON.parse(line)),
    lines,
    advance: (ms: number) => {
      nowMs += ms
    },
    breakSink: (value: boolean) => {
      broken = value
    },
  }
}

it('writes one JSON line a record: level, ISO time, component, fields, message', () => {
  const { log, lines, records } = recordingLog()
  log.component('tail').warn({ path: '/a', count: 2 }, 'cannot open')
  expect(lines[0]?.endsWith('}\n')).toBe(true)
  const [{ time, ...record }] = records()
  expect(record).toEqual({ level: 'warn', component: 'tail', path: '/a', count: 2, message: 'cannot open' })
  expect(new Date(time).toISOString()).toBe(time)
})

it('leaves out what is below its level', () => {
  const { log, records } = recordingLog()
  log.debug({}, 'no')
  log.trace({}, 'no')
  log.error({}, 'yes')
  expect(records().map(({ level, component }) => [level, component])).toEqual([['error', 'agent']])
})

it('writes a repeated key once per 30 s over all components, with the number left out', () => {
  const { log, records, advance } = recordingLog()
  for (let index = 0; index < 5; index += 1) log.component('tail').warn({ key: 'open:/a' }, 'cannot open')
  log.warn({ key: 'open:/b' }, 'cannot open')
  advance(30_000)
  log.component('tail').warn({ key: 'open:/a' }, 'cannot open')
  expect(records().map(({ time: _, ...record }) => record)).toEqual([
    { level: 'warn', component: 'tail', message: 'cannot open' },
    { level: 'warn', component: 'agent', message: 'cannot open' },
    { level: 'warn', component: 'tail', suppressed: 4, message: 'cannot open' },
  ])
})

it('never writes a secret that slipped into the fields', () => {
  const { log, lines } = recordingLog()
  log.error({ apiKey: 's3cret', request: { headers: { authorization: 's3cret' } }, token: 's3cret' }, 'failed')
  expect(lines.join('')).not.toContain('s3cret')
})

it('describes an error by name, code and message only', () => {
  const { log, records } = recordingLog()
  const error = Object.assign(new Error('m'.repeat(2000)), { code: 'ECONNRESET', body: 'content' })
  log.warn({ err: error }, 'failed')
  log.warn({ err: new SyntaxError('Unexpected token in "content"') }, 'failed')
  expect(records().map(({ err }) => err)).toEqual([
    { type: 'Error', code: 'ECONNRESET', message: 'm'.repeat(500) },
    { type: 'SyntaxError' },
  ])
})

it('survives a sink that fails, and says how much is missing when it works again', () => {
  const { log, records, breakSink } = recordingLog()
  breakSink(true)
  log.info({}, 'lost')
  log.info({}, 'lost')
  breakSink(false)
  log.info({}, 'kept')
  expect(records().map(({ message, lost }) => [message, lost])).toEqual([
    ['lines of this log could not be written', 2],
    ['kept', undefined],
  ])
})

it('writes to a file descriptor in place, and a full disk or a bad descriptor is no error', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tailship-log-'))
  try {
    const path = join(directory, 'log')
    const fd = openSync(path, 'w')
    expect(fileSink(fd)('a line\n')).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('a line\n')
    closeSync(fd)
    const full = openSync('/dev/full', 'w')
    expect(fileSink(full)('a line\n')).toBe(false)
    closeSync(full)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
