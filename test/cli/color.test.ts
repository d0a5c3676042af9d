import { expect, it } from 'vitest'
import { writeColored } from '../../src/cli/color.ts'
import { fakeIo } from './fake-io.ts'

const text = '    Status: OK\n    FAIL  ready: OK\n  WARN x\nOKAY\n  a OK\n'

it('colours the word a line begins with, or its label ends with', () => {
  const { stdout } = fakeIo({ terminal: { columns: 80, rows: 24 } })
  writeColored(stdout, text)
  expect(stdout.text).toBe(
    '    Status: \x1b[32mOK\x1b[39m\n    \x1b[31mFAIL\x1b[39m  ready: OK\n  \x1b[33mWARN\x1b[39m x\nOKAY\n  a OK\n',
  )
})

it('leaves the text alone where there is no colour', () => {
  const { stdout } = fakeIo()
  writeColored(stdout, text)
  expect(stdout.text).toBe(text)
})
