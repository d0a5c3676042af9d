import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadDatadogRegistry, parseDatadogRegistry } from '../../src/checkpoint/datadog-import.ts'
import { tempDir } from '../support/temp-dir.ts'

const registry = (entries: object, version: unknown = 2) => JSON.stringify({ Version: version, Registry: entries })

describe('parseDatadogRegistry', () => {
  test('takes the offsets of files and leaves other sources out', () => {
    const text = registry({
      'file:/var/log/audit.log': {
        LastUpdated: '2026-11-20T14:33:45.420123456Z',
        Offset: '183204',
        TailingMode: 'end',
        IngestionTimestamp: 1763649225420123456n.toString(),
      },
      'file:/var/log/old.log': { Offset: '0' },
      'journald:default': { Offset: 's=1;i=2', LastUpdated: '2026-11-20T14:33:45Z' },
      'docker:abc': { Offset: '2026-11-20T14:33:45Z' },
    })
    expect(parseDatadogRegistry(text)).toEqual({
      kind: 'positions',
      rejected: 0,
      positions: new Map([
        ['/var/log/audit.log', { offset: 183204, updatedAtMs: Date.UTC(2026, 10, 20, 14, 33, 45, 420) }],
        ['/var/log/old.log', { offset: 0, updatedAtMs: undefined }],
      ]),
    })
  })

  test.each([
    ['a negative offset', { Offset: '-1' }],
    ['an offset that is no text', { Offset: 12 }],
    ['an empty offset', { Offset: '' }],
    ['an offset beyond what a number holds', { Offset: '9'.repeat(20) }],
    ['no object', 'x'],
    ['null', null],
  ])('leaves an entry out that makes no sense: %s', (_, entry) => {
    expect(parseDatadogRegistry(registry({ 'file:/a': entry, 'file:/b': { Offset: '1' } }))).toMatchObject({
      rejected: 1,
      positions: new Map([['/b', { offset: 1 }]]),
    })
  })

  test('leaves an entry out whose path is relative', () => {
    expect(parseDatadogRegistry(registry({ 'file:a.log': { Offset: '1' } }))).toMatchObject({ rejected: 1 })
  })

  test.each([
    ['nothing', '', 'it is not a JSON object'],
    ['zeros', '\0'.repeat(64), 'it is not a JSON object'],
    ['half of it', registry({ 'file:/a': { Offset: '1' } }).slice(0, -9), 'it is not a JSON object'],
    ['a list', '[]', 'it is not a JSON object'],
    ['another version', registry({}, 1), 'its version is 1, not 2'],
    ['no version', '{}', 'its version is undefined, not 2'],
    ['no entries', '{"Version":2}', 'it has no Registry'],
  ])('says why it cannot be used: %s', (_, text, reason) => {
    expect(parseDatadogRegistry(text)).toEqual({ kind: 'unusable', reason })
  })
})

test('a file that is not there, or is a directory, is a reason', () => {
  using dir = tempDir()
  const path = join(dir.path, 'registry.json')
  expect(loadDatadogRegistry(path)).toMatchObject({ kind: 'unusable', reason: expect.stringContaining('ENOENT') })
  expect(loadDatadogRegistry(dir.path)).toMatchObject({ kind: 'unusable', reason: expect.stringContaining('EISDIR') })
  writeFileSync(path, registry({}))
  expect(loadDatadogRegistry(path)).toMatchObject({ kind: 'positions' })
})
