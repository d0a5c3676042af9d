import { expect, test } from 'vitest'
import type { Origin } from '../../src/chunk.ts'
import type { RuleConfig, SourceConfig } from '../../src/config/config.ts'
import { openRules } from '../../src/process/source-rules.ts'

const mask: RuleConfig = { kind: 'mask_sequences', name: 'digits', pattern: '[0-9]+', placeholder: '#' }

function sourceOf(...rules: readonly RuleConfig[]): SourceConfig {
  return {
    integration: 'conf',
    path: '/a.log',
    excludePaths: [],
    startPosition: 'beginning',
    backfill: false,
    maxLineBytes: 1024,
    encoding: 'utf-8',
    labels: { service: undefined, source: undefined, tags: [] },
    rules,
  }
}

const originOf = ({ labels }: SourceConfig): Origin => ({ id: 'g1', path: '/a.log', labels, maxLineBytes: 1024 })

test('the lines of an origin have the rules of its source, though its labels are like those of another', async () => {
  const [ruled, plain] = [sourceOf(mask), sourceOf()]
  const rulesOf = await openRules([plain, ruled])
  expect(rulesOf(originOf(ruled))?.apply(Buffer.from('pin 1234'), 1024)).toEqual(Buffer.from('pin #'))
  expect(rulesOf(originOf(plain))).toBeUndefined()
})

test('lines of no known source are not sent without rules', async () => {
  const rulesOf = await openRules([sourceOf(mask)])
  expect(() => rulesOf(originOf(sourceOf(mask)))).toThrow('an origin of no source')
})
