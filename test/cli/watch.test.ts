import { describe, expect, it } from 'vitest'
import { watch } from '../../src/cli/watch.ts'
import { exitCode } from '../../src/io.ts'
import { fakeIo } from './fake-io.ts'

describe('watching', () => {
  it('ends with 0 on a signal, with one text after the other where there is no terminal', async () => {
    const io = fakeIo()
    let drawn = 0
    const draw = async () => {
      drawn += 1
      if (drawn === 2) io.signal('SIGINT')
      return `text ${drawn}\n`
    }
    expect([await watch(draw, io), io.stdout.text]).toEqual([exitCode.ok, 'text 1\ntext 2\n'])
    expect(drawn).toBe(2)
  })

  it('ends when its reader has gone', async () => {
    const io = fakeIo({ onWrite: () => true })
    expect([await watch(async () => 'text\n', io), io.stdout.text]).toEqual([exitCode.ok, 'text\n'])
  })

  it('cuts a line that is wider than the terminal, where it would take two', async () => {
    const io = fakeIo({ terminal: { columns: 6, rows: 24 }, onWrite: (text) => text !== '\x1b[H' })
    await watch(async () => '123456\n1234567\n', io)
    expect(io.stdout.text).toBe('\x1b[H123456\x1b[K\n12345…\x1b[K\n\x1b[J')
  })

  it('draws in place on a terminal and cuts what does not fit', async () => {
    const io = fakeIo({ terminal: { columns: 80, rows: 4 }, onWrite: (text) => text !== '\x1b[H' })
    await watch(async () => 'FAIL  1\nOK    2\n3\n4\n5\n', io)
    expect(io.stdout.text).toBe(
      '\x1b[H\x1b[31mFAIL\x1b[39m  1\x1b[K\n\x1b[32mOK\x1b[39m    2\x1b[K\n… 3 more lines\x1b[K\n\x1b[J',
    )
  })
})
