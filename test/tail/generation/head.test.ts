import { expect, test } from 'vitest'
import { fingerprint } from '../../../src/tail/file/fingerprint.ts'
import { Head } from '../../../src/tail/generation/head.ts'

const bytes = (text: string) => Buffer.from(text)

test('grows with what is learnt of the same content, and takes nothing from another', () => {
  const head = new Head()
  expect(head.wants(3)).toBe(3)
  expect(head.learn(bytes('abc'))).toBe(true)
  expect(head.wants(3)).toBe(0)
  expect(head.learn(bytes('abcd'))).toBe(true)
  expect(head.learn(bytes('abXde'))).toBe(false)
  expect(head.learn(bytes('abc'))).toBe(false)
  expect(head.fingerprint).toEqual(fingerprint(bytes('abcd')))
})

test('tells a shorter beginning by its bytes, which a hash alone cannot', () => {
  const head = new Head(fingerprint(bytes('abcd')))
  expect(head.matches(bytes('abcd'))).toBe(true)
  expect(head.matches(bytes('ab'))).toBe(undefined)
  expect(head.matches(undefined)).toBe(false)
  expect(head.wants(4)).toBe(4)
  expect(head.learn(bytes('abcd'))).toBe(true)
  expect(head.matches(bytes('ab'))).toBe(true)
  expect(head.matches(bytes('aX'))).toBe(false)
})

test('forgets what its content has lost at its end', () => {
  const head = new Head()
  head.learn(bytes('abcd'))
  head.cut(2)
  expect(head.fingerprint).toEqual(fingerprint(bytes('ab')))
  const recorded = new Head(fingerprint(bytes('abcd')))
  recorded.cut(2)
  expect(recorded.length).toBe(0)
})

test('forgets nothing when its content still has all that is known, though only by its hash', () => {
  const known = fingerprint(Buffer.from('abcdef'))
  const head = new Head(known)
  head.cut(6)
  expect(head.fingerprint).toEqual(known)
  head.cut(5)
  expect(head.length).toBe(0)
})
