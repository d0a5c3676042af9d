import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventSource } from '../../src/demo/events/events.ts'
import { decodePayload, itemTexts } from '../../src/demo/intake-body.ts'

const eventList = (items: readonly string[]) =>
  `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items.join(',')}]}`
const logs = (lines: readonly string[]) => JSON.stringify(lines.map((message) => ({ message, ddsource: 'x' })))

describe('a payload', () => {
  it.each([
    ['zstd', zstdCompressSync, 'zstd'],
    ['gzip', gzipSync, 'gzip'],
    ['none', (body: Buffer) => body, undefined],
    ['none', (body: Buffer) => body, 'identity'],
  ])('is opened when it is what it is declared as (%s)', (_, compress, declared) => {
    const body = compress(Buffer.from(logs(['one', 'two "quoted" 山'])))
    expect(decodePayload(body, declared)).toEqual({ kind: 'lines', lines: ['one', 'two "quoted" 山'] })
  })

  it.each([
    [gzipSync(logs(['a'])), 'zstd', 'declared as zstd, but is gzip'],
    [zstdCompressSync(logs(['a'])), undefined, 'declared as none, but is zstd'],
    [Buffer.from(logs(['a'])), 'gzip', 'declared as gzip, but is none'],
    [zstdCompressSync(logs(['a'])).subarray(0, 9), 'zstd', 'not zstd'],
    [Buffer.from('[{'), undefined, 'not JSON'],
    [Buffer.from('[{"text":"a"}]'), undefined, 'a log without a message'],
    [Buffer.from('{"kind":"Event"}'), undefined, 'neither an array of logs nor an EventList'],
    [Buffer.from('null'), undefined, 'neither an array of logs nor an EventList'],
  ])('is refused otherwise (%#)', (body, declared, reason) => {
    expect(decodePayload(body, declared)).toEqual({ kind: 'refused', reason })
  })

  it('may be a connectivity check or an empty list', () => {
    for (const text of ['{}', '[]', eventList([])]) {
      expect(decodePayload(Buffer.from(text), undefined)).toEqual({ kind: 'lines', lines: [] })
    }
  })

  it('has the items of an EventList byte for byte', () => {
    const source = createEventSource(1)
    const items = Array.from({ length: 200 }, () => source.next().toString().trimEnd())
    expect(decodePayload(Buffer.from(eventList(items)), undefined)).toEqual({ kind: 'lines', lines: items })
  })
})

describe('the items of a list', () => {
  it('are found in any JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.json({ maxDepth: 4, stringUnit: 'binary' })), (items) => {
        expect(itemTexts(eventList(items))).toEqual(items)
      }),
    )
  })
})
