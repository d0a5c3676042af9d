import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { MAX_LABEL_LENGTH, MAX_TAGS_LENGTH } from '../../../src/config/scalars.ts'
import { PARTS_BYTES } from '../../../src/ship/body/layout.ts'
import { recordAttributes } from '../../../src/ship/destinations/record-attributes.ts'

test('the longest attributes that a configuration allows have room in a body, whatever is escaped in them', () => {
  const escaped = (length: number) => '\u0001'.repeat(length)
  const label = escaped(MAX_LABEL_LENGTH)
  const tags = [escaped(MAX_TAGS_LENGTH), escaped(MAX_TAGS_LENGTH), `sourcecategory:${label}`]
  const origin = { path: `/${escaped(4094)}`, labels: { service: label, source: label, tags } }
  expect(Buffer.byteLength(recordAttributes(origin, 'h'.repeat(255)))).toBeLessThan(PARTS_BYTES)
})
