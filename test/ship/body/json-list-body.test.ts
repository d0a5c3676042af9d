import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { feed, newBody, originWith, READ_AT_MS, sealed } from '../../support/bodies.ts'

const limits = { batchMaxSize: 100, batchMaxBytes: 100_000, maxLineBytes: 10_000 }
const context = { origin: originWith(10_000), readAtMs: READ_AT_MS }
const wide = 'w'.repeat(150)

it.each([
  ['{}', 'taken'],
  ['{"a":"}"}', 'taken'],
  ['{"a":"\\\\"}', 'taken'],
  [` \t{"${wide}":[[{}],{"b":"${wide}"}]} `, 'taken'],
  [`{"a":\t1}`, 'taken'],
  ['', 'not-json'],
  ['text', 'not-json'],
  ['[]', 'not-json'],
  ['"{}"', 'not-json'],
  ['{"a":1', 'not-json'],
  ['{"a":"b}', 'not-json'],
  ['{}}', 'not-json'],
  ['{}{}', 'not-json'],
  ['}{', 'not-json'],
  [`{"a":1}${' '.repeat(100)}x`, 'not-json'],
  [`${' '.repeat(100)}x{"a":1}`, 'not-json'],
  ['{"a":"\t"}', 'not-json'],
  ['{"a":"\u0001"}', 'not-json'],
  ['{\n}', 'not-json'],
  ['{]', 'not-json'],
  ['{},{}', 'not-json'],
  ['{"a":1}],"items":[{"b":2}', 'not-json'],
  ['{"a":":{"}],"b":1}', 'not-json'],
  ['{"a":"b{","c":1}}', 'not-json'],
  ['{"a":"}","b":{"c":1}', 'not-json'],
  ['{"a":[}', 'not-json'],
  ['{\\}', 'not-json'],
  [`{"a":"${'}'.repeat(255)}"`, 'not-json'],
  ['{"a":"\\"}', 'not-json'],
  [`{"${'p'.repeat(58)}":"\\"}`, 'not-json'],
  ['{"a":"\\\\","b":"\\"}', 'not-json'],
])('a line is taken when it is one object: %j', (line, expected) => {
  expect(newBody('list', limits).appendLine(Buffer.from(line), context)).toBe(expected)
})

it('lines made to end in a string, for the next to go on from there, do not break out of the list', () => {
  const body = newBody('list', limits)
  const lines = ['{"a":"\\"}', '{"}],"items":[{"b":"}', '{","c":"\\""}']
  expect(lines.map((line) => body.appendLine(Buffer.from(line), context))).toEqual(['not-json', 'taken', 'not-json'])
})

it('whatever lines are taken, a body that is JSON holds their neighbours', () => {
  const pieces = '{ } [ ] , : " \\" \\\\ "a" 1 {"a":1} ],"items":[ ,"x": :{ [{ },{'.split(' ')
  const line = fc
    .array(fc.constantFrom(...pieces), { maxLength: 6 })
    .map((chosen) => Buffer.from(`{${chosen.join('')}}`))
  const forged = Buffer.from('{"a":1}],"items":[{"b":2}')
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: line }, fc.constant(forged)), { maxLength: 4 }), (lines) => {
      const body = newBody('list', limits)
      for (const [index, doubtful] of lines.entries()) {
        body.appendLine(Buffer.from(`{"neighbour":${index}}`), context)
        body.appendLine(doubtful, context)
      }
      body.appendLine(Buffer.from(`{"neighbour":${lines.length}}`), context)
      const text = sealed(body)
      if (!isJson(text)) return
      const neighbours = JSON.parse(text).items.flatMap(({ neighbour }: { neighbour?: number }) => neighbour ?? [])
      expect(neighbours).toEqual(Array.from({ length: lines.length + 1 }, (_, index) => index))
    }),
    { numRuns: 3000 },
  )
})

it('no object is taken that was cut off, alone or with another behind it, wherever it was cut', () => {
  const stringUnit = fc.constantFrom('a', '"', '\\', '[', ']', ':', ',', 'é', 'a'.repeat(40))
  const object = fc.json({ stringUnit, maxDepth: 5 }).map((value) => Buffer.from(`{"pad":"","value":${value}}`))
  fc.assert(
    fc.property(object, fc.nat(), fc.option(object, { nil: Buffer.alloc(0) }), (whole, place, next) => {
      const torn = Buffer.concat([whole.subarray(0, 1 + (place % (whole.length - 1))), next])
      expect(newBody('list', limits).appendLine(torn, context)).toBe('not-json')
    }),
    { numRuns: 2000 },
  )
})

it('no two objects are taken as one', () => {
  const text = `{"a":"${wide}"}`
  for (let pad = 0; pad < 64; pad += 1) {
    const line = Buffer.from(`{"${'p'.repeat(pad)}":1}${text}`)
    expect(newBody('list', limits).appendLine(line, context)).toBe('not-json')
  }
})

it('an odd line costs its neighbours nothing', () => {
  const body = newBody('list', limits)
  const text = '{"a":1}\ntext\n\n{"b":2}\r\n'
  expect(feed(body, text)).toEqual({
    end: 8,
    records: 1,
    emptyLineBytes: 0,
    stopped: { kind: 'odd', line: { start: 8, end: 12, next: 13, reason: 'not-json' } },
  })
  const rest = body.append({ ...context, from: 13, length: text.length })
  expect(rest).toEqual({ end: text.length, records: 1, emptyLineBytes: 1, stopped: { kind: 'partial' } })
  expect(body.bytes).toBe('{"items":[{"a":1},{"b":2}\r]}'.length)
  expect(sealed(body)).toBe('{"items":[{"a":1},{"b":2}\r]}')
})

it('a torn line is told from other text that is no object', () => {
  const torn = '{"kind":"Event","a":"{"kind":"Event","apiVersion":"audit.k8s.io/v1"}'
  expect(feed(newBody('list', limits), `${torn}\n`).stopped).toMatchObject({ line: { reason: 'glued' } })
})

it('a line without its newline is odd only when it is too long already', () => {
  const { stopped } = feed(newBody('list', limits), 'text', 4)
  expect(stopped).toEqual({ kind: 'partial' })
  expect(feed(newBody('list', limits), 'text\r', 4).stopped).toEqual({ kind: 'partial' })
  expect(feed(newBody('list', limits), 'texts', 4).stopped).toEqual({
    kind: 'odd',
    line: { start: 0, end: 5, next: 5, reason: 'too-long' },
  })
})

it('a run of NUL bytes ends where the line behind it begins', () => {
  const { stopped } = feed(newBody('list', limits), '\n\0\0\0{"a":1}\n')
  expect(stopped).toEqual({ kind: 'odd', line: { start: 1, end: 4, next: 4, reason: 'nul' } })
})

it('says full for one more line than the body takes', () => {
  const body = newBody('list', { ...limits, batchMaxSize: 1 })
  expect(body.appendLine(Buffer.from('{}'), context)).toBe('taken')
  expect(body.appendLine(Buffer.from('{}'), context)).toBe('full')
  const small = newBody('list', { ...limits, batchMaxBytes: 40 })
  expect(small.appendLine(Buffer.from('{"a":"xxxxxxxxxxxxxxxxxxxx"}'), context)).toBe('taken')
  expect(small.appendLine(Buffer.from('{}'), context)).toBe('full')
})

it('waits for the rest of a line that may just fit', () => {
  const text = '{"a":1}\n{"b":2}'
  const batchMaxBytes = '{"items":[{"a":1},{"b":2}]}'.length
  expect(feed(newBody('list', { ...limits, batchMaxBytes }), text).stopped.kind).toBe('partial')
  expect(feed(newBody('list', { ...limits, batchMaxBytes: batchMaxBytes - 1 }), text).stopped.kind).toBe('full')
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
