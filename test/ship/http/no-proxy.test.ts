import { describe, expect, it } from 'vitest'
import { goesDirect } from '../../../src/ship/http/no-proxy.ts'

const rows: readonly [list: string, host: string, port: number, direct: boolean][] = [
  ['', 'example.com', 443, false],
  ['*', 'example.com', 443, true],
  ['example.com', 'example.com', 443, true],
  ['example.com', 'EXAMPLE.com', 443, true],
  ['Example.com', 'example.com.', 443, true],
  ['example.com', 'www.example.com', 443, true],
  ['example.com', 'notexample.com', 443, false],
  ['.example.com', 'www.example.com', 443, true],
  ['.example.com', 'example.com', 443, false],
  ['*.example.com', 'www.example.com', 443, true],
  ['*.example.com', 'example.com', 443, false],
  ['example.com:8443', 'example.com', 8443, true],
  ['example.com:8443', 'example.com', 443, false],
  ['other.com, example.com', 'example.com', 443, true],
  ['10.0.0.1', '10.0.0.1', 80, true],
  ['10.0.0.1', '10.0.0.10', 80, false],
  ['10.0.0.1:80', '10.0.0.1', 80, true],
  ['10.0.0.1:80', '10.0.0.1', 81, false],
  ['10.0.0.0/8', '10.255.0.1', 80, true],
  ['10.0.0.0/8', '11.0.0.1', 80, false],
  ['10.0.0.0/33', '10.0.0.1', 80, false],
  ['10.0.0.0/x', '10.0.0.1', 80, false],
  ['10.0.0.0/8', 'example.com', 80, false],
  ['fd00::/8', 'fd12::1', 443, true],
  ['fd00::/8', 'fe80::1', 443, false],
  ['::1', '::1', 443, true],
  ['[::1]', '0:0:0:0:0:0:0:1', 443, true],
  ['[::1]:443', '::1', 443, true],
  ['[::1]:443', '::1', 80, false],
  ['0.0.0.1', '10.0.0.1', 80, false],
]

describe('goesDirect', () => {
  for (const [list, host, port, direct] of rows) {
    it(`${direct ? 'sends' : 'does not send'} ${host}:${port} past the proxy under "${list}"`, () => {
      expect(goesDirect(host, port, list.split(','))).toBe(direct)
    })
  }
})
