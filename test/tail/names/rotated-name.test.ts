import { describe, expect, test } from 'vitest'
import { liveNameOf, oldestFirst, parseRotatedName } from '../../../src/tail/names/rotated-name.ts'

/** Names as rotators make them of `audit.log`, oldest first. */
const series = {
  'kube-apiserver': ['audit-2026-11-19T23-59-59.999.log', 'audit-2026-11-20T00-00-00.000.log'],
  'logrotate, numbers': ['audit.log.10', 'audit.log.9', 'audit.log.1'],
  'logrotate, dateext': ['audit.log-20261119', 'audit.log-20261120', 'audit.log-20261120-1763649225'],
  'logrotate, dateformat with hours': ['audit.log-2026111923', 'audit.log-2026112000'],
  'logrotate, dateformat with dashes': ['audit.log-2026-11-19', 'audit.log-2026-11-20'],
  'logrotate, dateformat with dots': ['audit.log.20261119', 'audit.log.20261120'],
  'logrotate, dateformat of seconds': ['audit.log-1763649225', 'audit.log-1763649226'],
  underscores: ['audit.log_20261119', 'audit.log_20261120'],
  kubelet: ['audit.log.20261119-235959', 'audit.log.20261120-000000'],
  'by the day': ['audit.log.2026-11-19', 'audit.log.2026-11-20'],
  'by the day, numbered': ['audit.log.2026-11-20', 'audit.log.2026-11-20.2', 'audit.log.2026-11-20.10'],
  'by the hour': ['audit.log.2026-11-20_01', 'audit.log.2026-11-20_02'],
  'by the second': ['audit.log.2026-11-20_01-02-03', 'audit.log.2026-11-20_01-02-04'],
  'by the second, compact': ['audit.log-20261120T010203', 'audit.log-20261120T010204'],
}

const ages = (names: readonly string[]) =>
  // Modification times that say the contrary: a copy or a touch has set them.
  names.map((name, index) => ({ name: parseRotatedName(name, 'audit.log'), mtimeMs: -index }))

describe.each(Object.entries(series))('the names of %s', (_, names) => {
  test('are known as rotated from the live file, also when compressed', () => {
    for (const name of names.flatMap((plain) => [plain, `${plain}.gz`])) {
      expect(parseRotatedName(name, 'audit.log')?.gzip).toBe(name.endsWith('.gz'))
      expect(liveNameOf(`/var/log/${name}`)).toBe('audit.log')
    }
  })

  test('are ordered by what they say', () => {
    expect(oldestFirst(names.toReversed(), (name) => ages(names)[names.indexOf(name)] as never)).toEqual(names)
  })
})

test.each([
  'audit.log',
  'audit.log.bak',
  'audit.log.swp',
  'audit2.log',
  'audit-old.log',
  'audit.log.1.tmp',
  'other.log.1',
])('%s is no rotated audit.log', (name) => {
  expect(parseRotatedName(name, 'audit.log')).toBeUndefined()
})
