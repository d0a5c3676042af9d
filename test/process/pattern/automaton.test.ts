import { Buffer } from 'node:buffer'
import { RE2JS } from 're2js'
import { expect, test } from 'vitest'
import { Automaton } from '../../../src/process/pattern/automaton.ts'
import { programOf } from '../../../src/process/pattern/program.ts'

/** Its states know which of the last 14 characters were an a: one for nearly every line. */
const source = 'a[ab]{13}c'

function setting() {
  const automaton = new Automaton(programOf(RE2JS.compile(source)), undefined)
  let line = 0
  const test = (text: string) => {
    const bytes = Buffer.from(text)
    return automaton.test({ bytes, start: 0, end: bytes.length }, 0)
  }
  return {
    test,
    /** Looks at lines, none like another, until one has one state too many. */
    overflow(most = 10_000): boolean {
      for (let n = 0; n < most; n += 1) {
        line += 1
        const isForeign =
          test(line.toString(2).replaceAll('0', 'a').replaceAll('1', 'b').padStart(14, 'b')) === 'foreign'
        if (isForeign) return true
      }
      return false
    },
  }
}

test('states that are too many now and then do not end the use of the automaton', () => {
  const { test, overflow } = setting()
  for (let week = 0; week < 20; week += 1) {
    expect(overflow()).toBe(true)
    for (let n = 0; n < 10_001; n += 1) test('abb')
  }
  expect(test('bbbb')).toBe(false)
})

test('states that are always too many are given up, and tried again after a million lines', () => {
  const { test, overflow } = setting()
  for (let n = 0; n < 9; n += 1) expect(overflow()).toBe(true)
  expect(test('bbbb')).toBe('foreign')
  for (let n = 0; n < 1_000_000; n += 1) test('b')
  expect(test('bbbb')).toBe(false)
})
