import { describe, expect, test } from 'vitest'
import { bindMountWarning, linuxMountPoints, parseMountPoints } from '../../../src/tail/sources/bind-mounts.ts'

describe('parseMountPoints', () => {
  test('reads the fifth field, also behind optional fields and with escapes', () => {
    const text = [
      '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '36 22 98:0 /mnt1 /var/log/my\\040app\\134n rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue',
      '37 22 98:0 /a.log /var/log/b\\011c\\012ü.log rw - ext4 /dev/vda rw',
      '',
      'torn line',
    ].join('\n')
    expect([...parseMountPoints(text)]).toEqual(['/', '/var/log/my app\\n', '/var/log/b\tc\nü.log'])
  })

  test('does not take digits behind a backslash apart that are no escape', () => {
    expect([...parseMountPoints('1 2 3:4 / /a\\0404\\999 rw')]).toEqual(['/a 4\\999'])
  })
})

test('the system tells at least where its root is', () => {
  expect(linuxMountPoints()).toContain('/')
})

test('the warning names what to mount instead', () => {
  expect(bindMountWarning('/var/log/kubernetes/audit.log')).toContain('mount its directory /var/log/kubernetes instead')
})
