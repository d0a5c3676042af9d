import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DeadLetter, openDeadLetter, type WriteResult } from '../../../src/ship/dead-letter/dead-letter.ts'
import { decodeEntry, encodeEntry } from '../../../src/ship/dead-letter/entry.ts'
import { createDeadLettering } from '../../../src/ship/delivery/dead-lettering.ts'
import type { DeliveryContext } from '../../../src/ship/delivery/delivery.ts'
import { createLaneAccount } from '../../../src/ship/delivery/lane-account.ts'
import type { DeadLine } from '../../../src/ship/filling/batch.ts'
import { webhookConfig } from '../../support/destination-config.ts'
import { never } from '../../support/destinations.ts'
import { fakeDestination, ok } from '../../support/fake-destination.ts'
import { silentLog } from '../../support/tail-rig.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'
import { entryOf, textOf } from '../dead-letter/entries.ts'

let root: ReturnType<typeof tempDir>
beforeEach(() => {
  root = tempDir()
})
afterEach(() => root[Symbol.dispose]())

function setUp(port: Pick<DeadLetter, 'write'>) {
  const account = createLaneAccount()
  const context: DeliveryContext = {
    destination: fakeDestination(() => ok, { batchMaxSize: 10, batchMaxBytes: 4096, maxLineBytes: 1024 }).destination,
    delivery: webhookConfig('http://127.0.0.1').delivery,
    throttle: { take: async () => undefined, stop() {} },
    account,
    log: silentLog,
    floor: { notBeforeMs: 0 },
  }
  return { account, deadLetter: createDeadLettering(context, port, { holdMs: 1 }) }
}

const deadLine = (line: string): DeadLine => {
  const { at: _at, batchId: _batchId, ...dead } = entryOf(line)
  return dead
}
const sizeOf = (line: string) => encodeEntry(entryOf(line, { at: new Date().toISOString() })).length
const lines = ['1', '2', '3', '4', '5']

/** Takes away what is there, as a replay does. */
async function takeAway(dir: string): Promise<string[]> {
  const taken: string[] = []
  for (const name of (await readdir(dir)).toSorted()) {
    const text = await readFile(join(dir, name), 'utf8')
    await rm(join(dir, name))
    for (const json of text.trimEnd().split('\n')) taken.push(...textOf([decodeEntry(json) ?? entryOf('damaged')]))
  }
  return taken
}

test('a batch larger than the dead letter may be goes there bit by bit, each line once', async () => {
  const dir = join(root.path, 'dead-letter')
  const store = await openDeadLetter({ dir, maxBytes: 2 * sizeOf('1') })
  const { account, deadLetter } = setUp(store)
  let ended: boolean | undefined
  const deadLettered = deadLetter(lines.map(deadLine), 'b1', never).then((done) => {
    ended = done
  })
  const taken: string[] = []
  for (let stored = 2; stored < lines.length; stored += 2) {
    await until(() => account.held === 1 && account.deadLetteredRecords === stored)
    taken.push(...(await takeAway(dir)))
  }
  await deadLettered
  taken.push(...(await takeAway(dir)))
  expect(taken).toEqual(lines)
  expect([ended, account.held, account.deadLetteredRecords]).toEqual([true, 0, 5])
})

test.each<Exclude<WriteResult, { kind: 'stored' }>>([
  { kind: 'full', stored: 2 },
  { kind: 'too-large', stored: 2, bytes: 1e6 },
  { kind: 'failed', stored: 2, code: 'ENOSPC', message: 'ENOSPC: no space left' },
])('what is stored already is not written again when the others are: %j', async (answer) => {
  const written: string[][] = []
  const answers: WriteResult[] = [answer, { ...answer, stored: 0 }]
  const { account, deadLetter } = setUp({
    async write(entries) {
      written.push(textOf(entries))
      return answers.shift() ?? { kind: 'stored' }
    },
  })
  expect(await deadLetter(lines.map(deadLine), 'b1', never)).toBe(true)
  expect(written).toEqual([lines, ['3', '4', '5'], ['3', '4', '5']])
  expect([account.deadLetteredRecords, account.held]).toEqual([5, 0])
})

test('an entry that can never fit is told with the size it needs, though nothing else is there', async () => {
  const dir = join(root.path, 'dead-letter')
  const { account, deadLetter } = setUp(await openDeadLetter({ dir, maxBytes: 100 }))
  const stop = new AbortController()
  const deadLettered = deadLetter([deadLine('1')], 'b1', stop.signal)
  await until(() => account.held === 1)
  expect(account.lastError?.message).toBe(
    `dead letter: an entry of ${sizeOf('1')} bytes alone is more than dead_letter_max_bytes allows; ` +
      `raise dead_letter_max_bytes to more than ${sizeOf('1')}: until then the destination waits`,
  )
  stop.abort()
  expect([await deadLettered, account.held]).toEqual([false, 0])
})
