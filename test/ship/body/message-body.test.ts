import { Buffer, isUtf8 } from 'node:buffer'
import { expect, it } from 'vitest'
import { createMessageBody } from '../../../src/ship/body/message-body.ts'
import { feed, newBody, originWith, READ_AT_MS, sealed } from '../../support/bodies.ts'
import { drive } from '../../support/body-driver.ts'

const limits = { batchMaxSize: 1000, batchMaxBytes: 1_000_000, maxLineBytes: 100_000 }
const event = '{"kind":"Event","apiVersion":"audit.k8s.io/v1"'

function parsed(text: string): { message: string; timestamp: number }[] {
  const body = newBody('message', limits)
  feed(body, text)
  return JSON.parse(sealed(body))
}

it('escapes every character that JSON does not take as it is, at every place of a block', () => {
  const special = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter((c) => c !== '\n')
  special.push('\u2028', 'é', '\u{1f600}', '\\"', '\\\\', '\ufeff')
  const lines = special.flatMap((text) => Array.from({ length: 33 }, (_, at) => `.${'x'.repeat(at)}${text}yz`))
  const batches = Array.from({ length: Math.ceil(lines.length / 1000) }, (_, n) =>
    lines.slice(n * 1000, n * 1000 + 1000),
  )
  for (const batch of batches) {
    const body = newBody('message', limits)
    feed(body, batch.map((line) => `${line}\n`).join(''))
    const text = sealed(body)
    for (const [index, record] of text
      .slice(1, -1)
      .split(/(?<=\}),(?=\{"message")/)
      .entries()) {
      expect(record).toBe(
        `{"message":${JSON.stringify(batch[index])},"status":"info","timestamp":${READ_AT_MS},"hostname":"n","ddtags":"filename:audit.log"}`,
      )
    }
  }
})

it.each([
  ['microseconds', '2026-11-20T14:33:45.420123Z', Date.UTC(2026, 10, 20, 14, 33, 45, 420)],
  ['no fraction', '2026-11-20T14:33:45Z', Date.UTC(2026, 10, 20, 14, 33, 45)],
  ['one digit', '2024-02-29T23:59:59.9Z', Date.UTC(2024, 1, 29, 23, 59, 59, 900)],
  ['two digits', '2026-11-20T14:33:45.42Z', Date.UTC(2026, 10, 20, 14, 33, 45, 420)],
  ['three digits', '2026-11-20T14:33:45.042Z', Date.UTC(2026, 10, 20, 14, 33, 45, 42)],
  ['microseconds of the first second', '1970-01-01T00:00:00.007000Z', 7],
  ['microseconds before the second of a year', '1970-01-01T00:00:00.000999Z', 0],
  ['the first second', '1970-01-01T00:00:00.007Z', 7],
  ['the second of a year', '1970-01-01T00:00:01.007Z', 1007],
  ['a century without a leap day', '2100-03-01T00:00:00Z', Date.UTC(2100, 2, 1)],
  ['the last year', '9999-12-31T23:59:59.999999999Z', Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
  ['Go’s zero time', '0001-01-01T00:00:00Z', READ_AT_MS],
  ['another zone', '2026-11-20T14:33:45.420123+01:00', READ_AT_MS],
  ['ten digits', '2026-11-20T14:33:45.4201234567Z', READ_AT_MS],
  ['a point without digits', '2026-11-20T14:33:45.Z', READ_AT_MS],
  ['no such month', '2026-13-20T14:33:45Z', READ_AT_MS],
  ['no such hour', '2026-11-20T24:33:45Z', READ_AT_MS],
  ['letters', '2026-1x-20T14:33:45Z', READ_AT_MS],
])('the time of an audit event is its stage time: %s', (_, stamp, expected) => {
  const line = `${event},"stageTimestamp":"${stamp}","annotations":{"a":"b"}}`
  expect(parsed(`${line}\n${line}\n`).map(({ timestamp }) => timestamp)).toEqual([expected, expected])
})

it.each(['.420123Z"', '.42Z"', 'Z"'])('a fraction like %s has a point, digits, Z and a quote', (fraction) => {
  const stamps = Array.from(fraction).flatMap((_, at) =>
    Array.from({ length: 0x7f - 0x20 }, (__, code) => String.fromCharCode(0x20 + code)).map(
      (other) => `2026-11-20T14:33:45${fraction.slice(0, at)}${other}${fraction.slice(at + 1)}`,
    ),
  )
  const expected = stamps.map((stamp) => {
    const found = /45(?:\.([0-9]{1,9}))?Z"/.exec(stamp)
    if (!found) return READ_AT_MS
    return Date.UTC(2026, 10, 20, 14, 33, 45, Number((found[1] ?? '').padEnd(3, '0').slice(0, 3)))
  })
  const text = stamps.map((stamp) => `${event},"stageTimestamp":"${stamp},"a":""}\n`).join('')
  expect(parsed(text).map(({ timestamp }) => timestamp)).toEqual(expected)
})

it('each time is its own, whichever came before', () => {
  const stamps = ['14:30:45.1', '14:30:45.2', '14:30:00.3', '14:31:00.4', '14:30:00.5'].map((t) => `2026-11-20T${t}Z`)
  stamps.push('1970-01-01T00:00:00.007Z', '2026-11-20T14:30:00Z')
  const text = stamps.map((stamp) => `${event},"stageTimestamp":"${stamp}"}\n`).join('')
  expect(parsed(text).map(({ timestamp }) => timestamp)).toEqual(stamps.map((stamp) => Date.parse(stamp)))
})

it('the time of a line is when it was read if it has no stage time of its own', () => {
  const stage = '"stageTimestamp":"2026-11-20T14:33:45.420123Z"'
  const others = [
    `{${stage}}`,
    `text ${stage}`,
    `${event},${stage.replace('"2', '#2')}}`,
    `${event},"note":${JSON.stringify(stage)}}`,
    `${event},"requestReceivedTimestamp":"2026-11-20T14:33:45.420123Z"}`,
  ]
  // The line before must lend nothing.
  const text = others.map((line) => `${event},${stage}}\n${line}\n`).join('')
  const own = Date.UTC(2026, 10, 20, 14, 33, 45, 420)
  expect(parsed(text).map(({ timestamp }) => timestamp)).toEqual(others.flatMap(() => [own, READ_AT_MS]))
})

it('leaves what was read, and the records before, as they are when it cannot take what it escaped', () => {
  const body = newBody('message', { batchMaxSize: 10, batchMaxBytes: 5000, maxLineBytes: 4000 })
  feed(body, `${'x'.repeat(3000)}\n`)
  for (const [last, kind] of [['\n', 'odd'] as const, ['"', 'odd'] as const, ['', 'full'] as const]) {
    const text = '"'.repeat(last === '' ? 3999 : 4001) + last
    expect(feed(body, text).stopped).toMatchObject({ kind })
    expect(Buffer.from(body.room()?.subarray(0, text.length) ?? []).toString()).toBe(text)
  }
  expect(JSON.parse(sealed(body))).toMatchObject([{ message: 'x'.repeat(3000) }])
})

it('each line carries when it was read itself, in whole milliseconds', () => {
  const body = newBody('message', limits)
  for (const readAtMs of [5, 1_800_000_000_000.7, 6]) {
    body.appendLine(Buffer.from('line'), { origin: originWith(9), readAtMs })
  }
  expect(JSON.parse(sealed(body))).toMatchObject([5, 1_800_000_000_000, 6].map((timestamp) => ({ timestamp })))
})

it('the last stage time of an event counts, as its own stands behind those of what it carries', () => {
  const inner = `${event},"stageTimestamp":"2020-01-01T00:00:00.000000Z"}`
  const line = `${event},"requestObject":{"items":[${inner}]},"stageTimestamp":"2026-11-20T14:33:45.420123Z"}`
  expect(parsed(`${line}\n`)).toMatchObject([{ message: line, timestamp: Date.UTC(2026, 10, 20, 14, 33, 45, 420) }])
})

it('only an event that begins again where none may is glued', () => {
  const torn = `${event},"user":"a${event},"user":"b"}`
  const whole = `${event}}${event}}`
  const cases: [string, string | undefined][] = [
    [torn, 'glued'],
    [whole, 'glued'],
    [`{"ki${event}}`, 'glued'],
    [`${event},"items":[${event}}]}`, undefined],
    [`I1120 14:33 event ${event}}`, undefined],
    [`${event},"user":"a`, undefined],
    [`${event},"note":${JSON.stringify(event)}}`, undefined],
  ]
  for (const [line, reason] of cases) {
    const { records, stopped } = feed(newBody('message', limits), `${line}\n`)
    expect([line, records, stopped]).toEqual([
      line,
      reason ? 0 : 1,
      reason
        ? { kind: 'odd', line: { start: 0, end: line.length, next: line.length + 1, reason } }
        : { kind: 'partial' },
    ])
  }
})

it('an event that begins the next line is none inside this one, and one inside is found before it, wherever they are', () => {
  const next = `${event}}`
  for (let bytes = 0; bytes < 130; bytes += 1) {
    const line = `${event},"a":"${'x'.repeat(bytes)}"}`
    expect(feed(newBody('message', limits), `${line}\n${next}\n`)).toMatchObject({ records: 2 })
    const torn = `${line.slice(0, -1)}${next}`
    const { stopped } = feed(newBody('message', limits), `${torn}\n${next}\n`)
    expect(stopped).toMatchObject({ kind: 'odd', line: { start: 0, end: torn.length, reason: 'glued' } })
  }
})

it('each line carries the attributes of its own origin', () => {
  const body = createMessageBody({ ...limits, attributesOf: ({ path }) => Buffer.from(`"dirname":"${path}"`) })
  const [a, b] = ['/a', '/longer/b'].map((path) => ({ ...originWith(100), path }))
  for (const origin of [a, b, a]) {
    if (origin) body.appendLine(Buffer.from('line'), { origin, readAtMs: 5 })
  }
  expect(JSON.parse(sealed(body))).toEqual(
    ['/a', '/longer/b', '/a'].map((dirname) => ({ message: 'line', status: 'info', timestamp: 5, dirname })),
  )
})

it('takes any one line: newlines and NUL bytes inside, glued events, nothing at all', () => {
  const body = newBody('message', limits)
  const lines = ['a\nb', '\0a', `${event},${event}}`, '', '\ufeffx\r\ny']
  for (const line of lines) {
    expect(body.appendLine(Buffer.from(line), { origin: originWith(1), readAtMs: 5 })).toBe('taken')
  }
  expect(JSON.parse(sealed(body)).map((record: { message: string }) => record.message)).toEqual(lines)
})

it('tells UTF-8 from what is none as Node does, for every kind of byte, at every place of a block', () => {
  const kinds = '61 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff'.split(' ')
  const fourth = ['', '61', '80', 'bf', 'c2']
  const lines = kinds.flatMap((a) => kinds.flatMap((b) => kinds.flatMap((c) => fourth.map((d) => a + b + c + d))))
  const bytes = lines.map((hex, at) => Buffer.concat([Buffer.alloc(at % 61, 'x'), Buffer.from(hex, 'hex')]))
  const file = Buffer.concat(bytes.flatMap((line) => [line, Buffer.from('\n')]))
  const expected: number[] = []
  let start = 0
  for (const line of bytes) {
    if (!isUtf8(line)) expected.push(start)
    start += line.length + 1
  }
  const driven = drive(newBody('message', limits), file, {
    origin: originWith(100),
    readAtMs: READ_AT_MS,
    growth: [],
    repair: false,
  })
  expect(driven.consumed).toBe(file.length)
  expect(driven.odd.map((odd) => (odd.reason === 'invalid-utf8' ? odd.start : odd))).toEqual(expected)
})

it('takes no byte for the continuation of a lead that stands before other text, however far', () => {
  const body = newBody('message', limits)
  for (let front = 0; front < 64; front += 1) {
    for (let between = 1; between < 200; between += 1) {
      const line = Buffer.from(`${'x'.repeat(front)}\xc3${'y'.repeat(between)}\xa9${'z'.repeat(70)}\n`, 'latin1')
      const { stopped } = feed(body, line)
      expect(stopped).toMatchObject({ kind: 'odd', line: { reason: 'invalid-utf8', end: line.length - 1 } })
    }
  }
})
