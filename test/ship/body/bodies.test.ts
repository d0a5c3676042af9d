import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Origin } from '../../../src/block.ts'
import type { Body } from '../../../src/ship/body/body.ts'
import { createJsonListBody } from '../../../src/ship/body/json-list-body.ts'
import type { BodyLimits } from '../../../src/ship/body/list-body.ts'
import { createAttributesBody, createMessageBody } from '../../../src/ship/body/message-body.ts'
import { drive } from '../../support/body-driver.ts'
import { type ReferenceFormat, referenceLines } from '../../support/reference-body.ts'

const attributes = '"hostname":"n","ddtags":"filename:audit.log"'
const readAtMs = 1_795_185_225_420
const framing = { list: ['{"items":[', ']}'], message: ['[', ']'], attributes: ['[', ']'] } as const
const names = ['list', 'message', 'attributes'] as const

function newBody(name: ReferenceFormat['name'], limits: BodyLimits): Body {
  const [prefix, suffix] = framing[name]
  const attributesOf = () => Buffer.from(attributes)
  if (name === 'list') return createJsonListBody({ ...limits, prefix, suffix })
  return name === 'message'
    ? createMessageBody({ ...limits, attributesOf })
    : createAttributesBody({ ...limits, attributesOf })
}

function originWith(maxLineBytes: number): Origin {
  return { id: 'o', path: '/p', labels: { service: undefined, source: undefined, tags: [] }, maxLineBytes }
}

/** Pieces lines are made of: what the formats treat specially, at every alignment. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', ' ', '\t', '\r', '\0', '\u2028', 'é', '😀'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.nat(70).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom('{"kind":"Event"', '{"kind":"Event","apiVersion":"audit.k8s.io/v1",') },
  { weight: 1, arbitrary: fc.constantFrom('"stageTimestamp":"2026-11-20T14:33:45.420123Z"', '"stageTimestamp":"2026') },
)
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')))
const json = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.string({ unit: 'binary', maxLength: 30 }), fc.nat(80))
  .map(([value, key, pad]) => Buffer.from(`{${JSON.stringify(key)}:${value},"pad":"${'p'.repeat(pad)}"}`))
const time = fc
  .date({ min: new Date(-1e12), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString())
const event = fc
  .tuple(fc.oneof(time, fc.string({ maxLength: 30 })), fc.string({ maxLength: 90 }), fc.boolean())
  .map(([stamp, note, more]) =>
    Buffer.from(
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","note":${JSON.stringify(note)},` +
        `"stageTimestamp":${JSON.stringify(stamp)}${more ? `,"annotations":{"a":${JSON.stringify(note)}}` : ''}}`,
    ),
  )
const torn = fc.tuple(event, fc.nat(100), event).map(([a, cut, b]) => Buffer.concat([a.subarray(0, cut), b]))
const line = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 5, arbitrary: json },
  { weight: 5, arbitrary: event },
  { weight: 1, arbitrary: torn },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{}', ' {} ', '{ }', '', '{"a":[{}]}{}', '{]', '[{}]').map((s) => Buffer.from(s)),
  },
)
const file = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', '\0\n'))), line)
  .map(([lines, last]) => Buffer.concat([...lines.flatMap(([l, end]) => [l, Buffer.from(end)]), last]))
const limits = fc.record({
  batchMaxSize: fc.integer({ min: 1, max: 8 }),
  batchMaxBytes: fc.integer({ min: 20, max: 3000 }),
  maxLineBytes: fc.integer({ min: 1, max: 400 }),
})

describe.each(names)('the %s body', (name) => {
  it('makes the records of the reference of any file, however it grows, within any limits', () => {
    fc.assert(
      fc.property(file, limits, fc.array(fc.integer({ min: 1, max: 500 })), (bytes, bounds, growth) => {
        const { maxLineBytes } = bounds
        const expected = referenceLines(bytes, { name, attributes, maxLineBytes, readAtMs })
        const driven = drive(newBody(name, bounds), bytes, { origin: originWith(maxLineBytes), readAtMs, growth })

        const records = expected.filter((line) => line.kind === 'record')
        const odd = expected.filter((line) => line.kind === 'odd')
        const empty = expected.filter((line) => line.kind === 'empty')
        expect(driven.batches.flatMap((batch) => batch.lines)).toEqual(
          records.map(({ line }) => (name === 'attributes' ? line.trimStart() : line)),
        )
        expect(driven.odd).toEqual(odd.map(({ reason, start, end }) => ({ reason, start, end })))
        expect(driven.emptyLineBytes).toBe(empty.reduce((sum, line) => sum + line.bytes, 0))
        let first = 0
        for (const batch of driven.batches) {
          const part = records.slice(first, first + batch.records).map(({ record }) => record)
          expect(batch.sealed).toBe(framing[name][0] + part.join(',') + framing[name][1])
          expect(batch.records).toBeLessThanOrEqual(bounds.batchMaxSize)
          if (batch.records > 1) expect(Buffer.byteLength(batch.sealed)).toBeLessThanOrEqual(bounds.batchMaxBytes)
          first += batch.records
        }
      }),
      { numRuns: 2000 },
    )
  })
})
