import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDeadLetter } from '../../../src/ship/dead-letter/dead-letter.ts'
import { type DeadLetterEntry, encodeEntry } from '../../../src/ship/dead-letter/entry.ts'
import { type ReplayOptions, replayDeadLetter } from '../../../src/ship/dead-letter/replay.ts'
import { entryOf, textOf } from './entries.ts'

let dir: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'replay-'))
})

afterEach(() => rm(dir, { recursive: true, force: true }))

const never = new AbortController().signal
const sizeOf = (line: string) => encodeEntry(entryOf(line)).length

/** Entries in segments of two. */
const open = () => openDeadLetter({ dir, maxBytes: 1_000_000, segmentBytes: sizeOf('n') + 1 })

async function fill(...lines: readonly string[]) {
  const deadLetter = await open()
  for (const line of lines) await deadLetter.write([entryOf(line)])
  return deadLetter
}

/** What one send got, in turn. */
function record(answer: (entries: readonly DeadLetterEntry[]) => 'delivered' | 'keep' = () => 'delivered') {
  const sent: string[][] = []
  const send: ReplayOptions['send'] = async (entries) => {
    sent.push(textOf(entries))
    return answer(entries)
  }
  return { sent, send }
}

describe('a replay', () => {
  it('sends every entry as it was written, oldest first, and leaves nothing', async () => {
    const deadLetter = await fill('1', '2', 'größe \u2028', '4')
    const odd = entryOf(Buffer.from([0xff, 0x00, 0xc3]), { status: 400, start: 7, end: 11 })
    await deadLetter.write([odd])
    const all: DeadLetterEntry[] = []

    const replayed = await replayDeadLetter(
      {
        dir,
        send: async (entries) => {
          all.push(...entries)
          return 'delivered'
        },
      },
      never,
    )

    expect(replayed).toEqual({ delivered: 5, kept: 0, unreadable: 0, fault: undefined })
    expect(all).toEqual([...['1', '2', 'größe \u2028', '4'].map((line) => entryOf(line)), odd])
    expect(await readdir(dir)).toEqual([])
    await deadLetter.refresh()
    expect([deadLetter.bytes, deadLetter.records]).toEqual([0, 0])
  })

  it('finds nothing in a directory that is not there', async () => {
    const { sent, send } = record()

    const replayed = await replayDeadLetter({ dir: join(dir, 'none'), send }, never)

    expect(replayed).toEqual({ delivered: 0, kept: 0, unreadable: 0, fault: undefined })
    expect(sent).toEqual([])
  })

  it('keeps what could not be delivered, for the next replay', async () => {
    const deadLetter = await fill('1', '2', '3', '4', '5')
    const first = record((entries) => (/[235]/.test(String(textOf(entries))) ? 'keep' : 'delivered'))

    expect(await replayDeadLetter({ dir, send: first.send, batchRecords: 1 }, never)).toEqual({
      delivered: 2,
      kept: 3,
      unreadable: 0,
      fault: undefined,
    })
    expect(first.sent).toEqual([['1'], ['2'], ['3'], ['4'], ['5']])
    await deadLetter.refresh()
    expect([deadLetter.bytes, deadLetter.records]).toEqual([3 * sizeOf('n'), 3])

    const second = record()
    await replayDeadLetter({ dir, send: second.send }, never)
    expect(second.sent.flat()).toEqual(['2', '3', '5'])
    expect(await readdir(dir)).toEqual([])
  })

  it('leaves to be counted what is left, however often it has been replayed', async () => {
    const deadLetter = await fill('1', '2')
    for (const [kept, records] of [
      [/1|2/, 2],
      [/2/, 1],
    ] as const) {
      const { send } = record((entries) => (kept.test(String(textOf(entries))) ? 'keep' : 'delivered'))
      await replayDeadLetter({ dir, send, batchRecords: 1 }, never)
      await deadLetter.refresh()
      expect([deadLetter.bytes, deadLetter.records]).toEqual([records * sizeOf('n'), records])
    }
  })

  it('keeps those of a batch that were not delivered', async () => {
    await (await openDeadLetter({ dir, maxBytes: 1e6 })).write(['1', '2', '3', '4'].map((line) => entryOf(line)))

    expect(await replayDeadLetter({ dir, send: async () => new Set([0, 2]) }, never)).toMatchObject({
      delivered: 2,
      kept: 2,
    })
    const { sent, send } = record()
    await replayDeadLetter({ dir, send }, never)
    expect(sent).toEqual([['2', '4']])
  })

  it('sends batches of limited records and bytes, and an entry above the limit alone', async () => {
    await (await openDeadLetter({ dir, maxBytes: 1e6 })).write(
      ['1', '2', '3', '4', 'x'.repeat(5000), '6', '7'].map((line) => entryOf(line)),
    )
    const { sent, send } = record()

    await replayDeadLetter({ dir, send, batchRecords: 3, batchBytes: 3 * sizeOf('n') }, never)

    expect(sent.map((batch) => batch.map(({ length }) => length))).toEqual([[1, 1, 1], [1], [5000], [1, 1]])
  })

  it('writes a segment anew only if something of it was delivered, and for the owner alone', async () => {
    await fill('1', '2')
    const before = await stat(join(dir, '00000001.ndjson'))
    const facts = async () => stat(join(dir, (await readdir(dir)).join()))

    await replayDeadLetter({ dir, send: record(() => 'keep').send }, never)
    expect((await facts()).ino).toBe(before.ino)

    await replayDeadLetter({ dir, send: async () => new Set([0]) }, never)
    const { ino, mode, size } = await facts()
    expect([ino === before.ino, mode & 0o777, size]).toEqual([false, 0o600, sizeOf('n')])
  })

  it('leaves lines it cannot read where they are, byte for byte', async () => {
    await fill('1')
    const damaged = Buffer.from([0x7b, 0xff, 0x22, 0x0a])
    await appendFile(join(dir, '00000001.ndjson'), damaged)
    await appendFile(join(dir, '00000001.ndjson'), encodeEntry(entryOf('2')))
    await appendFile(join(dir, '00000001.ndjson'), '{"v":1,"torn')
    const { sent, send } = record()

    expect(await replayDeadLetter({ dir, send }, never)).toEqual({
      delivered: 2,
      kept: 0,
      unreadable: 1,
      fault: undefined,
    })
    expect(sent).toEqual([['1', '2']])
    const [left = ''] = await readdir(dir)
    expect(await readFile(join(dir, left))).toEqual(damaged)
  })

  it('stops when it is told to, having removed what was delivered', async () => {
    await fill('1', '2', '3', '4')
    const controller = new AbortController()
    const { sent, send } = record(() => {
      controller.abort()
      return 'delivered'
    })

    const replayed = await replayDeadLetter({ dir, send, batchRecords: 1 }, controller.signal)

    expect(replayed).toEqual({ delivered: 1, kept: 0, unreadable: 0, fault: undefined })
    expect(sent).toEqual([['1']])
    expect((await open()).records).toBe(3)
    expect(await replayDeadLetter({ dir, send }, controller.signal)).toMatchObject({ delivered: 0 })
    expect((await readdir(dir)).filter((name) => !name.includes('sealed'))).toEqual(['00000002.ndjson'])
  })

  it('sends again what a replay that died had not removed, and clears up after it', async () => {
    await fill('1', '2')
    await replayDeadLetter({ dir, send: () => Promise.reject(new Error('killed here')) }, never).catch(() => {})
    await writeFile(join(dir, '00000001.sealed-0a.ndjson.tmp'), 'half of it')
    const { sent, send } = record()

    await replayDeadLetter({ dir, send }, never)

    expect(sent).toEqual([['1', '2']])
    expect(await readdir(dir)).toEqual([])
  })

  it('reports what the system refuses', async () => {
    await writeFile(join(dir, 'file'), '')

    expect(await replayDeadLetter({ dir: join(dir, 'file'), send: record().send }, never)).toMatchObject({
      delivered: 0,
      fault: { code: 'ENOTDIR' },
    })
  })

  it('never takes an entry from the writer that adds it meanwhile', async () => {
    const deadLetter = await fill('1')
    const { sent, send } = record()

    await replayDeadLetter(
      {
        dir,
        send: async (entries) => {
          await deadLetter.write([entryOf('2')])
          return send(entries)
        },
      },
      never,
    )

    expect(sent).toEqual([['1']])
    expect(await readdir(dir)).toEqual(['00000002.ndjson'])
    await replayDeadLetter({ dir, send }, never)
    expect(sent).toEqual([['1'], ['2']])
  })

  it('never mixes up a segment it holds with one that took its number', async () => {
    await fill('1')
    await replayDeadLetter({ dir, send: record(() => 'keep').send }, never)
    await writeFile(join(dir, '00000001.ndjson'), encodeEntry(entryOf('2')))
    const { sent, send } = record()

    await replayDeadLetter({ dir, send }, never)

    expect(sent).toEqual([['1'], ['2']])
  })

  it('and writes at the same time lose nothing, in whatever order their steps come', async () => {
    const rounds = fc.record({
      writes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 }),
      answers: fc.array(fc.array(fc.boolean(), { minLength: 1 }), { minLength: 1, maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(rounds, async ({ writes, answers }) => {
        const deadLetter = await open()
        const sent: string[] = []
        let last = 0
        const written = Promise.all(
          writes.map((size) => {
            last += size
            return deadLetter.write(Array.from({ length: size }, (_, n) => entryOf(String(last - n))))
          }),
        )
        for (const answer of answers) {
          await replayDeadLetter(
            {
              dir,
              send: async (entries) => {
                const keep = answer[sent.length % answer.length] === true
                if (!keep) sent.push(...textOf(entries))
                return keep ? 'keep' : 'delivered'
              },
              batchRecords: 2,
            },
            never,
          )
        }
        expect((await written).map(({ kind }) => kind)).toEqual(writes.map(() => 'stored'))
        const rest = record()
        await replayDeadLetter({ dir, send: rest.send }, never)

        const delivered = new Set([...sent, ...rest.sent.flat()].map(Number))
        expect([...delivered].sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, n) => n + 1))
        expect(await readdir(dir)).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})
