import { describe, expect, it } from 'vitest'
import { presentable } from '../../src/ship/answer-text.ts'

const hidden = {
  secrets: ['s3cr3t-key', ''],
  pieces: [Buffer.from('['), Buffer.from('{"user":"alice@corp.example","verb":"get"}]')],
}

function textOf(text: string): string {
  const answer = presentable(
    { kind: 'answered', status: 400, retryAfter: undefined, location: undefined, text },
    hidden,
  )
  return answer.kind === 'answered' ? answer.text : ''
}

describe('presentable', () => {
  it('makes one printable line of a text', () => {
    expect(textOf(' bad\r\n\tbatch\u0000\u001b[31m red\u2028\u202eend ')).toBe('bad batch [31m red end')
  })

  it('bounds it', () => {
    expect(textOf('x'.repeat(4096))).toBe(`${'x'.repeat(200)}…`)
  })

  it('hides secrets', () => {
    expect(textOf('key s3cr3t-key is unknown, s3cr3t-key!')).toBe('key *** is unknown, ***!')
    expect(presentable({ kind: 'failed', reason: 'EX: s3cr3t-key' }, hidden)).toEqual({
      kind: 'failed',
      reason: 'EX: ***',
    })
  })

  for (const offset of [0, 3, 8, 15]) {
    it(`withholds a text that repeats what was sent, at offset ${offset}`, () => {
      expect(textOf(`${'.'.repeat(offset)} cannot take {"user":"alice@corp.example","verb":"get"}`)).toBe(
        '(the answer repeats what was sent)',
      )
    })
  }

  it('shows where a redirect leads without its query', () => {
    const answer = { kind: 'answered', status: 302, retryAfter: undefined, text: '' } as const
    expect(presentable({ ...answer, location: 'https://u:p@sso.example/login?key=1' }, hidden)).toMatchObject({
      location: 'https://sso.example/login',
    })
    expect(presentable({ ...answer, location: '/login' }, hidden)).toMatchObject({ location: 'an address of its own' })
    expect(presentable({ ...answer, location: undefined }, hidden)).toMatchObject({ location: undefined })
  })
})
