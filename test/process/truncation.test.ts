import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTruncation } from '../../src/process/truncation.ts'

function truncate(line: string, { maxBytes = 1e6, pieceBytes = 1e6 } = {}): string | undefined {
  const truncation = createTruncation(maxBytes)
  const bytes = Buffer.from(line)
  for (let at = 0; at < bytes.length; at += pieceBytes) truncation.push(bytes.subarray(at, at + pieceBytes))
  return truncation.end()?.toString()
}

const event = (more: object) => ({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'RequestResponse', ...more })

test('leaves out both bodies and sets the annotation, whatever the event holds and however it is cut', () => {
  const annotations = fc.option(fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }), { nil: undefined })
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.jsonValue(),
      fc.jsonValue(),
      annotations,
      fc.integer({ min: 1, max: 50 }),
      (a, b, c, own, pieceBytes) => {
        const whole = event({
          requestObject: a,
          user: { extra: b },
          responseObject: c,
          ...(own ? { annotations: own } : {}),
        })
        const short = truncate(JSON.stringify(whole), { pieceBytes })
        const { requestObject: _request, responseObject: _response, ...rest } = whole as Record<string, unknown>
        expect(JSON.parse(short ?? '')).toEqual(
          JSON.parse(JSON.stringify({ ...rest, annotations: { ...own, 'audit.k8s.io/truncated': 'true' } })),
        )
      },
    ),
  )
})

test('keeps the other members byte for byte', () => {
  const line = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","n":1.0e2,"requestObject":{"a":[1,"}"]},"s":"\\u0026é"}'
  expect(truncate(line)).toBe(
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","n":1.0e2,"s":"\\u0026é","annotations":{"audit.k8s.io/truncated":"true"}}',
  )
})

test.each([
  ['another object', '{"kind":"Event","apiVersion":"v1","requestObject":{}}'],
  ['text', 'plain text'],
  ['half an event', JSON.stringify(event({ requestObject: {} })).slice(0, -5)],
  ['two events', JSON.stringify(event({ requestObject: {} })).repeat(2)],
  ['an event and what follows it', `${JSON.stringify(event({ requestObject: {} }))}TRAILING`],
  ['an event and what stands before it', `LEADING${JSON.stringify(event({ requestObject: {} }))}`],
  ['a part that is no member', `${JSON.stringify(event({ requestObject: {} })).slice(0, -1)},junk}`],
  ['a key that has to be decoded', `${JSON.stringify(event({ requestObject: {} })).slice(0, -1)},"a\\u0062":1}`],
])('gives nothing for %s', (_name, line) => {
  expect(truncate(line)).toBeUndefined()
})

test('leaves out blanks around the event', () => {
  const line = '{"apiVersion":"audit.k8s.io/v1","requestObject":{}}'
  expect(truncate(` ${line} \r`)).toBe(truncate(line))
})

test('gives nothing when the event is still too long', () => {
  const line = JSON.stringify(event({ requestURI: 'x'.repeat(200), requestObject: {} }))
  expect(truncate(line, { maxBytes: 200 })).toBeUndefined()
})

test('drops bodies of any size without keeping them', () => {
  const line = JSON.stringify(event({ requestObject: 'y'.repeat(500_000), stage: 'Panic' }))
  expect(truncate(line, { maxBytes: 200 })).toContain('"stage":"Panic"')
})

test('keeps nothing of an event that is too long', () => {
  const truncation = createTruncation(200)
  truncation.push(Buffer.from(JSON.stringify(event({})).slice(0, -1)))
  truncation.push(Buffer.from(',"requestURI":"'))
  const piece = Buffer.alloc(1_000_000, 'x')
  const before = process.memoryUsage().heapUsed
  for (let pieces = 0; pieces < 10; pieces += 1) truncation.push(piece)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000)
  expect(truncation.end()).toBeUndefined()
})
