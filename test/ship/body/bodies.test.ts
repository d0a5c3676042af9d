import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Origin } from '../../../src/block.ts'
import type { Body } from '../../../src/ship/body/body.ts'
import { createJsonListBody } from '../../../src/ship/body/json-list-body.ts'
import type { BodyLimits } from '../../../src/ship/body/list-body.ts'
import { createAttributesBody, createMessageBody } from '../../../src/ship/body/message-body.ts'
import { drive } from '../../support/body-driver.ts'
import { logFile } from '../../support/log-lines.ts'
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

const limits = fc.record({
  batchMaxSize: fc.integer({ min: 1, max: 8 }),
  batchMaxBytes: fc.integer({ min: 20, max: 3000 }),
  maxLineBytes: fc.integer({ min: 1, max: 400 }),
})

describe.each(names)('the %s body', (name) => {
  it('makes the records of the reference of any file, however it grows, within any limits', () => {
    fc.assert(
      fc.property(
        logFile,
        limits,
        fc.array(fc.integer({ min: 1, max: 500 })),
        fc.boolean(),
        (bytes, bounds, growth, repair) => {
          const { maxLineBytes } = bounds
          const expected = referenceLines(bytes, { name, attributes, maxLineBytes, readAtMs, repair })
          const driven = drive(newBody(name, bounds), bytes, {
            origin: originWith(maxLineBytes),
            readAtMs,
            growth,
            repair,
          })

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
        },
      ),
      { numRuns: 700 },
    )
  })
})
