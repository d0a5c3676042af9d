import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ATTRIBUTES, FRAMING, feed, newBody, originWith, READ_AT_MS, sealed } from '../../support/bodies.ts'
import { drive } from '../../support/body-driver.ts'
import { logFile } from '../../support/log-lines.ts'
import { referenceLines } from '../../support/reference-body.ts'

const names = ['list', 'message', 'attributes'] as const
const readAtMs = READ_AT_MS
const roomy = { batchMaxSize: 1000, batchMaxBytes: 5_000_000, maxLineBytes: 1_048_576 }
const limits = fc.record({
  batchMaxSize: fc.integer({ min: 1, max: 8 }),
  batchMaxBytes: fc.integer({ min: 20, max: 3000 }),
  maxLineBytes: fc.integer({ min: 1, max: 400 }),
})

describe.each(names)('the %s body', (name) => {
  it('makes the records of the reference of any file, however it grows and is offered, within any limits', () => {
    fc.assert(
      fc.property(
        logFile,
        limits,
        fc.array(fc.integer({ min: 1, max: 500 })),
        fc.boolean(),
        fc
          .array(fc.integer({ min: 0, max: 3 }))
          .filter((stops) => stops.length === 0 || stops.some((lines) => lines > 0)),
        (bytes, bounds, growth, repair, stops) => {
          const { maxLineBytes } = bounds
          const expected = referenceLines(bytes, { name, attributes: ATTRIBUTES, maxLineBytes, readAtMs, repair })
          const driven = drive(newBody(name, bounds), bytes, {
            origin: originWith(maxLineBytes),
            readAtMs,
            growth,
            repair,
            stops,
          })

          const records = expected.filter((line) => line.kind === 'record')
          const odd = expected.filter((line) => line.kind === 'odd')
          const empty = expected.filter((line) => line.kind === 'empty')
          expect(driven.batches.flatMap((batch) => batch.lines)).toEqual(
            records.map(({ line }) => (name === 'attributes' ? line.trimStart() : line)),
          )
          expect(driven.batches.flatMap(({ fileBytes }) => fileBytes)).toEqual(records.map(({ bytes }) => bytes))
          expect(driven.odd).toEqual(odd.map(({ reason, start, end }) => ({ reason, start, end })))
          expect(driven.emptyLineBytes).toBe(empty.reduce((sum, line) => sum + line.bytes, 0))
          let first = 0
          for (const batch of driven.batches) {
            const part = records.slice(first, first + batch.records).map(({ record }) => record)
            expect(batch.sealed).toBe(FRAMING[name][0] + part.join(',') + FRAMING[name][1])
            expect(batch.records).toBeLessThanOrEqual(bounds.batchMaxSize)
            if (batch.records > 1) expect(Buffer.byteLength(batch.sealed)).toBeLessThanOrEqual(bounds.batchMaxBytes)
            first += batch.records
          }
        },
      ),
      { numRuns: 700 },
    )
  })

  it('finds place for lines that grow in every piece of a long list', () => {
    const good = `{"a":"${'x'.repeat(1000)}"}\n`
    const grows = Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(30_000, 0xff), Buffer.from('"}\n')])
    const piece = Buffer.concat([grows, Buffer.from(good.repeat(700))])
    const pieces = Array.from({ length: 6 }, () => piece)
    const file = Buffer.concat(pieces)
    const bounds = { ...roomy, batchMaxSize: 10_000 }
    const how = {
      origin: originWith(bounds.maxLineBytes),
      readAtMs,
      growth: pieces.map(({ length }) => length),
      repair: true,
    }
    const lines = drive(newBody(name, bounds), file, how).batches.flatMap((batch) => batch.lines)
    const expected = file.toString().trimEnd().split('\n')
    expect(lines.map((line, n) => line === expected[n])).toEqual(expected.map(() => true))
  })

  it('is full, and moves nothing, when a record takes more than the list may get', () => {
    const attributesOf = () => Buffer.from(`"tags":"${'t'.repeat(200_000)}"`)
    const bounds = { batchMaxSize: 10, batchMaxBytes: 3000, maxLineBytes: 400 }
    const body = newBody(name, bounds, attributesOf)
    const good = '{"a":1}\n'
    const long = Buffer.from(`{"a":"${'x'.repeat(350)}"}`)
    const { end, records } = feed(body, good.repeat(20))
    expect(records).toBe(name === 'list' ? 10 : 1)
    for (let n = 0; n < 10; n += 1) body.appendLine(long, { origin: originWith(400), readAtMs })
    expect(body.appendLine(long, { origin: originWith(400), readAtMs })).toBe('full')
    expect(end).toBe(good.length * records)
    expect(JSON.stringify(JSON.parse(sealed(body)))).toContain(name === 'message' ? '{\\"a\\":1}' : '"a":1')
  })

  it('slices of a sealed body are bodies of their records', () => {
    const body = newBody(name, roomy)
    const lines = ['{"a":1}', '{"b":[2]}', '{"c":{}}', '{}']
    feed(body, lines.map((line) => `${line}\n`).join('\n'))
    const whole = JSON.parse(sealed(body))
    const items = whole.items ?? whole
    for (let from = 0; from < 4; from += 1) {
      for (let to = from + 1; to <= 4; to += 1) {
        const part = JSON.parse(Buffer.concat(body.slice(from, to)).toString())
        expect(part.items ?? part).toEqual(items.slice(from, to))
      }
    }
    expect(lines.map((_, index) => Buffer.from(body.recordLine(index)).toString())).toEqual(lines)
  })

  it.each([200, 2000, 20_000, 200_000])('reads little more than it takes of lines of %d bytes', (size) => {
    const line = `${JSON.stringify({ a: 'x'.repeat(size - 9) })}\n`
    const file = Buffer.from(line.repeat(Math.ceil(20_000_000 / size)))
    const body = newBody(name, roomy)
    const driven = drive(body, file, { origin: originWith(1_048_576), readAtMs, growth: [], repair: false })
    expect(driven.consumed).toBe(file.length)
    expect(driven.readBytes / file.length).toBeLessThan(1.25)
    expect(driven.reads / driven.batches.length).toBeLessThan(5)
  })

  it('takes a line alone that makes the body larger than batchMaxBytes', () => {
    const body = newBody(name, { batchMaxSize: 10, batchMaxBytes: 100, maxLineBytes: 2000 })
    const line = JSON.stringify({ a: 'x'.repeat(1000) })
    expect(feed(body, `${line}\n{}\n`)).toMatchObject({ records: 1, end: line.length + 1, stopped: { kind: 'full' } })
    expect(body.room()).toBeUndefined()
    expect(Buffer.from(body.recordLine(0)).toString()).toBe(line)
  })

  it('fills the body to the last byte of batchMaxBytes, and not beyond', () => {
    const text = '{"a":1}\n{"b":2}\n'
    const two = newBody(name, roomy)
    feed(two, text)
    const batchMaxBytes = two.bytes
    for (const [limit, records] of [[batchMaxBytes, 2] as const, [batchMaxBytes - 1, 1] as const]) {
      const whole = newBody(name, { ...roomy, batchMaxBytes: limit })
      expect(feed(whole, text)).toMatchObject({ records })
      const single = newBody(name, { ...roomy, batchMaxBytes: limit })
      feed(single, text.slice(0, 8))
      const second = single.appendLine(Buffer.from('{"b":2}'), { origin: originWith(9), readAtMs })
      expect(second).toBe(records === 2 ? 'taken' : 'full')
    }
  })

  it('sees nothing behind the bytes that were read', () => {
    const body = newBody(name, roomy)
    body.room()?.set(Buffer.from('\r\n'))
    const { end, stopped } = body.append({ origin: originWith(9), readAtMs, from: 0, length: 1 })
    expect({ end, stopped }).toEqual({ end: 0, stopped: { kind: 'partial' } })
    const next = newBody(name, roomy)
    next.room()?.set(Buffer.from('\0\0{}\n{}\n'))
    expect(next.append({ origin: originWith(9), readAtMs, from: 0, length: 1 }).stopped).toMatchObject({
      line: { end: 1 },
    })
    expect(next.append({ origin: originWith(9), readAtMs, from: 2, length: 4 })).toMatchObject({ end: 2, records: 0 })
  })

  it('says full when the line that is not all there can no longer fit', () => {
    const body = newBody(name, { batchMaxSize: 10, batchMaxBytes: 400, maxLineBytes: 2000 })
    expect(feed(body, `{}\n{"a":"${'x'.repeat(400)}`)).toMatchObject({ records: 1, end: 3, stopped: { kind: 'full' } })
  })

  it('offers a room for the longest line when a smaller one was filled without a newline', () => {
    const body = newBody(name, { batchMaxSize: 10, batchMaxBytes: 3_000_000, maxLineBytes: 1_000_000 })
    const room = body.room()
    const length = room?.length ?? 0
    expect(length).toBeLessThan(1_000_000)
    room?.fill(120)
    body.append({ origin: originWith(1_000_000), readAtMs, from: 0, length })
    expect(body.room()?.length).toBeGreaterThan(1_000_000)
  })

  it('keeps its memory from the first room to the last', () => {
    const body = newBody(name, { batchMaxSize: 1000, batchMaxBytes: 1_000_000, maxLineBytes: 500_000 })
    const first = body.room()
    for (let room = first; room !== undefined; room = body.room()) feed(body, '{"a":"b"}\n'.repeat(100))
    body.appendLine(Buffer.from('{"a":"b"}'), { origin: originWith(9), readAtMs })
    expect(body.slice(0, 1000)[0]?.buffer).toBe(first?.buffer)
    expect(first?.buffer.byteLength).toBeGreaterThan(0)
  })

  it('has room for the largest limits the configuration takes', () => {
    const most = 64 * 2 ** 20
    const body = newBody(name, { batchMaxSize: 100_000, batchMaxBytes: most, maxLineBytes: most })
    expect(feed(body, '{}\n')).toMatchObject({ records: 1 })
  })

  it('mends lines that are no UTF-8 one by one, whatever they grow to, and keeps what follows', () => {
    const body = newBody(name, { batchMaxSize: 10, batchMaxBytes: 20_000, maxLineBytes: 5000 })
    const bad = Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(900, 0x80), Buffer.from('"}')])
    const newline = Buffer.from('\n')
    const file = Buffer.concat([
      bad,
      newline,
      bad,
      newline,
      Buffer.from('{"b":1}\n'),
      bad,
      newline,
      Buffer.from('{"c":2}\n'),
    ])
    const driven = drive(body, file, { origin: originWith(5000), readAtMs, growth: [], repair: true })
    const mended = `{"a":"${'\u{fffd}'.repeat(900)}"}`
    expect(driven.batches.map(({ lines }) => lines)).toEqual([[mended, mended, '{"b":1}', mended, '{"c":2}']])
  })

  it('takes nothing when it is sealed, until it is reset', () => {
    const body = newBody(name, roomy)
    feed(body, '{}\n')
    body.seal()
    expect(() => body.room()).toThrow('sealed')
    expect(() => body.seal()).toThrow('sealed')
    expect(() => body.appendLine(Buffer.from('{}'), { origin: originWith(9), readAtMs })).toThrow('sealed')
    body.reset()
    expect(body.records).toBe(0)
    expect(sealed(body)).toBe(FRAMING[name].join(''))
  })
})
