import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { agentBench, type Bench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const program = new URL('../../bin/agent', import.meta.url).pathname
const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** `bin/agent`, as an operator starts it. */
function agent(...argv: string[]) {
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '' } })
  children.push(child)
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { child, ended: ended.then(([[code], out, err]) => ({ code: code as number | null, out, err })) }
}

const replay = (bench: Bench, ...more: string[]) => agent('replay', '--dead-letter', '-c', bench.file, ...more)

/** Records whose `bad` the receiver does not like yet are refused. */
async function refusingIntake() {
  let strict = true
  const isBad = (record: unknown) => (record as { readonly bad?: boolean }).bad === true
  const intake = await startIntake({ poison: (record) => strict && isBad(record) })
  return {
    intake,
    accept: () => {
      strict = false
    },
  }
}

const delivery = 'delivery: {batch_max_wait: 20ms, throttle_enable: false, initial_backoff: 5ms, max_backoff: 20ms}'
const segmentsOf = (bench: Bench) =>
  readdirSync(join(bench.runPath, 'dead-letter', 'webhook')).filter((name) => name.endsWith('.ndjson'))

function write(bench: Bench, ...lines: string[]): void {
  mkdirSync(dirname(bench.auditLog), { recursive: true })
  appendFileSync(bench.auditLog, lines.map((line) => `${line}\n`).join(''))
}

test('what was refused is sent again byte for byte, and the running agent sees that it is gone', async () => {
  using dir = tempDir()
  const { intake, accept } = await refusingIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  const odd = '{ "n" : 2,"bad":true, "user":"größe\u2028 \\u0026 \\/" }'
  write(bench, '{"n":1}', odd, '{"n":3}')
  const shipping = bench.start()
  await until(async () => (await shipping.status()).destinations[0]?.deadLetteredRecords === 1)
  const [dead] = (await shipping.status()).destinations
  expect(dead?.deadLetterRecords).toBe(1)
  expect(dead?.deadLetterBytes).toBeGreaterThan(odd.length)

  expect(await replay(bench, '--dry-run').ended).toEqual({
    code: 0,
    out: 'webhook: 1 would be sent again\n         1  HTTP 400 Bad Request: {}\n',
    err: '',
  })
  expect(await replay(bench).ended).toMatchObject({ code: 1, out: expect.stringContaining('0 delivered and removed') })
  expect(segmentsOf(bench)).toHaveLength(1)

  accept()
  expect(await replay(bench).ended).toEqual({ code: 0, out: 'webhook: 1 delivered and removed\n', err: '' })
  const body = intake.batches.at(-1)?.body.toString() ?? ''
  expect(body.slice(body.indexOf('[') + 1, -']}'.length)).toBe(odd)
  expect(segmentsOf(bench)).toEqual([])
  await until(async () => (await shipping.status()).destinations[0]?.deadLetterBytes === 0)
  expect((await agent('status', '-c', bench.file).ended).out).toMatch(/DeadLettered: none on disk, 1 since the start/)
  expect(await shipping.stop()).toBe(0)
  await intake.close()
})

test('an agent that holds because its dead letter is full goes on by itself after a replay', async () => {
  using dir = tempDir()
  const { intake, accept } = await refusingIntake()
  using bench = agentBench(
    dir.path,
    `destination: {type: webhook, url: "${intake.url}", dead_letter_max_bytes: 400}\n${delivery}`,
  )
  write(bench, '{"n":0}', '{"n":1,"bad":true}')
  const shipping = bench.start()
  await until(() => intake.records().length === 1)
  write(bench, '{"n":2,"bad":true}', '{"n":3}')
  const state = async () => (await shipping.status()).destinations[0]?.state
  await until(async () => (await state()) === 'holding')
  expect((await agent('status', '-c', bench.file, '--check=ready').ended).code).toBe(1)

  accept()
  expect((await replay(bench).ended).code).toBe(0)
  await until(async () => (await state()) === 'ok')
  // It was found to be refused before: it goes to the dead letter, where there is room again.
  await until(async () => (await shipping.status()).destinations[0]?.deadLetteredRecords === 2)
  expect((await replay(bench).ended).code).toBe(0)
  expect(
    intake
      .records()
      .map((record) => (record as { readonly n: number }).n)
      .toSorted(),
  ).toEqual([0, 1, 2, 3])
  expect(await shipping.stop()).toBe(0)
  await intake.close()
})

test('an agent that holds because its dead letter is full goes on by itself when files of it are deleted', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(
    dir.path,
    `destination: {type: webhook, url: "${intake.url}", dead_letter_max_bytes: 400}\n${delivery}`,
  )
  write(bench, 'can never be sent', '{"n":0}')
  const shipping = bench.start()
  const destination = async () => (await shipping.status()).destinations[0]
  await until(async () => (await destination())?.deadLetteredRecords === 1)
  write(bench, 'can neither', '{"n":1}')
  await until(async () => (await destination())?.state === 'holding')

  for (const name of segmentsOf(bench)) rmSync(join(bench.runPath, 'dead-letter', 'webhook', name))
  await until(async () => (await destination())?.state === 'ok')
  expect((await destination())?.deadLetteredRecords).toBe(2)
  await until(() => intake.records().length === 2)
  expect(await shipping.stop()).toBe(0)
  await intake.close()
})

test('a replay that is killed, with the agent writing meanwhile, loses nothing', async () => {
  using dir = tempDir()
  const { intake, accept } = await refusingIntake()
  using bench = agentBench(
    dir.path,
    `destination: {type: webhook, url: "${intake.url}", delivery: {batch_max_size: 3}}\n${delivery}`,
  )
  // In turns, so that no batch is refused as a whole.
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => `{"n":${from + at}${(from + at) % 2 === 1 ? ',"bad":true' : ''}}`)
  const deadLettered = async () => (await shipping.status()).destinations[0]?.deadLetteredRecords
  write(bench, ...lines(0, 21))
  const shipping = bench.start()
  await until(async () => (await deadLettered()) === 10)

  // The first batch of the replay is accepted, and it dies while the second one is under way.
  const before = intake.batches.length
  intake.setFault(() => (intake.batches.length === before ? { kind: 'answer', status: 200 } : { kind: 'silence' }))
  const first = replay(bench)
  await until(() => intake.batches.length > before && intake.requests.at(-1) !== intake.batches.at(-1))
  first.child.kill('SIGKILL')
  expect((await first.ended).code).toBeNull()
  intake.setFault(undefined)
  write(bench, ...lines(21, 30), '{"n":30}')
  await until(async () => (await deadLettered()) === 15)

  accept()
  expect(await replay(bench).ended).toMatchObject({ code: 0, out: 'webhook: 15 delivered and removed\n' })
  const numbers = intake.records().map((record) => (record as { readonly n: number }).n)
  expect([...new Set(numbers)].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, n) => n))
  expect(numbers).toHaveLength(31 + 3)
  expect(segmentsOf(bench)).toEqual([])
  expect(await shipping.stop()).toBe(0)
  await intake.close()
})

test('SIGINT ends a replay in order, and a second replay finds the rest', async () => {
  using dir = tempDir()
  const { intake, accept } = await refusingIntake()
  using bench = agentBench(
    dir.path,
    `destination: {type: webhook, url: "${intake.url}", delivery: {batch_max_size: 1}}\n${delivery}`,
  )
  write(bench, '{"n":0}', '{"n":1,"bad":true}', '{"n":2,"bad":true}')
  const shipping = bench.start()
  await until(async () => (await shipping.status()).destinations[0]?.deadLetteredRecords === 2)
  expect(await shipping.stop()).toBe(0)
  accept()
  const before = intake.requests.length
  intake.setFault(() => (intake.requests.length > before ? { kind: 'silence' } : undefined))
  const first = replay(bench)
  await until(() => intake.requests.length === before + 2)
  expect((await replay(bench).ended).code).toBe(75)
  first.child.kill('SIGINT')
  expect(await first.ended).toEqual({
    code: 1,
    out: 'webhook: 1 delivered and removed\n  interrupted, the rest was not tried\n',
    err: '',
  })
  intake.setFault(undefined)
  expect(await replay(bench).ended).toMatchObject({ code: 0, out: 'webhook: 1 delivered and removed\n' })
  // Each once; which of the two was dead-lettered first is open.
  const numbers = intake.records().map((record) => (record as { readonly n: number }).n)
  expect(numbers.toSorted()).toEqual([0, 1, 2])
  await intake.close()
})
