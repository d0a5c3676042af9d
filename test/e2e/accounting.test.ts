import { execFile } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { FileStatus, Status } from '../../src/observe/status.ts'
import { agentBench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const main = new URL('../../dist/main.js', import.meta.url).pathname
const delivery = 'delivery: {batch_max_wait: 20ms, batch_max_size: 3, throttle_enable: false, initial_backoff: 5ms}\n'

/** As an operator asks. */
async function statusOf(configuration: string): Promise<Status> {
  const asked = promisify(execFile)(process.execPath, [main, 'status', '-o', 'json', '--config', configuration])
  // Not ready is an exit code of its own.
  const { stdout } = await asked.catch((error: { readonly stdout: string }) => error)
  return JSON.parse(stdout)
}

const sumOf = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, count) => sum + count, 0)

function expectAccounted(file: FileStatus): void {
  const { bytesDelivered, bytesDeadLettered, bytesSkipped, bytesPending, bytesSeen } = file
  expect(bytesDelivered + bytesDeadLettered + sumOf(bytesSkipped) + bytesPending).toBe(bytesSeen)
  for (const position of file.positions) {
    const settled = position.bytesDelivered + position.bytesDeadLettered + sumOf(position.bytesSkipped)
    expect(settled).toBe(position.position)
    expect(settled + position.bytesPending).toBe(position.readPosition)
    expect(settled + position.lagBytes).toBe(file.sizeBytes)
  }
}

const event = (n: number, more = {}) =>
  JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Request', auditID: `${n}`, ...more })
/** Delivered without its object. */
const long = event(9, { requestObject: 'x'.repeat(5000) })
const nul = (length: number) => '\0'.repeat(length)

/** Pieces of a log by how their bytes have to end. */
const log: readonly (readonly [end: string, bytes: string])[] = [
  ['byte-order-mark', '\ufeff'],
  ['delivered', `${event(1)}\n`],
  ['empty-line', '\n\r\n'],
  ['delivered', `${event(2)}\r\n`],
  ['nul-run', nul(3000)],
  ['delivered', `${event(3, { user: { username: 'größer' } })}\n`],
  ['dead', 'not json\n'],
  ['rule', `${event(4, { verb: 'get' })}\n${event(5, { verb: 'get' })}\n`],
  ['dead', event(6).slice(0, 40)],
  ['delivered', `${event(7)}${event(11)}\n`],
  ['dead', `${event(8, { poison: true })}\r\n`],
  ['dead', `${'x'.repeat(5000)}\n`],
  ['delivered', `${long}\n`],
  ['nul-run', nul(1)],
  ['empty-line', '\n'],
  ['delivered', `${event(10)}\n`],
]
const text = log.map(([, bytes]) => bytes).join('')
const size = Buffer.byteLength(text)

test('every byte seen is delivered, dead-lettered, skipped for a reason or pending, at any time and after a kill', async () => {
  using dir = tempDir()
  const lifted = Promise.withResolvers<void>()
  const intake = await startIntake({ poison: (record) => (record as { poison?: boolean }).poison === true })
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, {
    source:
      'max_line_bytes: 2000, log_processing_rules: [{type: exclude_at_match, name: reads, pattern: \'"verb":"get"\'}]',
  })
  const fileOf = async () => (await statusOf(bench.file)).sources[0]?.files.find(({ live }) => live) as FileStatus
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, `${text}{"partial":`)

  intake.setFault(({ index }) => (index > 1 ? { kind: 'hold', until: lifted.promise } : undefined))
  const held = bench.start()
  await held.status()
  await until(() => intake.requests.length > 2)
  await until(async () => (await fileOf()).bytesPending > 0)
  expectAccounted(await fileOf())
  await held.kill()
  lifted.resolve()
  intake.setFault(undefined)

  const agent = bench.start()
  await agent.status()
  await until(async () => {
    const file = await fileOf()
    expectAccounted(file)
    return file.positions[0]?.position === size
  })
  const file = await fileOf()
  const bytes = (end: string) => log.filter(([of]) => of === end).reduce((sum, [, b]) => sum + Buffer.byteLength(b), 0)
  const cut = long.length - event(9, { annotations: { 'audit.k8s.io/truncated': 'true' } }).length
  expect(file).toMatchObject({
    bytesSeen: size,
    bytesDelivered: bytes('delivered') - cut,
    bytesDeadLettered: bytes('dead'),
    bytesSkipped: {
      'byte-order-mark': 3,
      'empty-line': bytes('empty-line'),
      'nul-run': bytes('nul-run'),
      rule: bytes('rule'),
      truncated: cut,
    },
    bytesPending: 0,
    positions: [{ lagBytes: '{"partial":'.length }],
  })
  expect(await agent.stop()).toBe(0)
  await intake.close()
})

test('bytes that the start passes over are skipped, and rotated generations pending are counted until they are settled', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, {
    source: 'start_position: end',
  })
  const fileOf = async () => (await statusOf(bench.file)).sources[0]?.files.find(({ live }) => live) as FileStatus
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, `${event(1)}\n`)
  const agent = bench.start()
  await agent.status()
  expect(await fileOf()).toMatchObject({
    bytesSkipped: { 'start-position': event(1).length + 1 },
    bytesDelivered: 0,
    generationsPending: 0,
  })
  intake.setFault(() => ({ kind: 'answer', status: 503 }))
  const stamp = (n: number) => bench.auditLog.replace('.log', `-2026-11-20T14-33-4${n}.420.log`)
  for (const n of [1, 2]) {
    appendFileSync(bench.auditLog, `${event(n)}\n`)
    renameSync(bench.auditLog, stamp(n))
    writeFileSync(bench.auditLog, `${event(n)}\n`)
  }
  await until(async () => (await fileOf())?.generationsPending === 2)
  intake.setFault(undefined)
  await until(async () => (await fileOf()).generationsPending === 0 && (await fileOf()).bytesPending === 0)
  expectAccounted(await fileOf())
  const all = (await agent.status()).sources.flatMap(({ files }) => files)
  for (const one of all) expectAccounted(one)
  expect(await agent.stop()).toBe(0)
  await intake.close()
})

test('of events that lost the newline between them those left after a kill are delivered, from a position between them', async () => {
  using dir = tempDir()
  const lifted = Promise.withResolvers<void>()
  const intake = await startIntake()
  const blocking = 'delivery: {mode: blocking, throttle_enable: false, initial_backoff: 5ms}\n'
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${blocking}`)
  const events = [1, 2, 3].map((n) => event(n))
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, `${events.join('')}\n`)
  intake.setFault(({ index }) => (index > 0 ? { kind: 'hold', until: lifted.promise } : undefined))
  const held = bench.start()
  const [first = ''] = events
  await held.status()
  await until(() => existsSync(join(bench.runPath, 'registry.json')))
  await until(() => bench.registry().generations[0]?.positions.webhook?.offset === first.length)
  await until(() => intake.requests.length === 2)
  await held.kill()
  intake.setFault(undefined)
  const accepted = intake.batches.length
  const agent = bench.start()
  await agent.status()
  await until(
    async () => (await statusOf(bench.file)).sources[0]?.files[0]?.bytesDelivered === events.join('').length + 1,
  )
  expect(intake.batches.slice(accepted).flatMap(({ records }) => records)).toEqual(
    events.slice(1).map((text) => JSON.parse(text)),
  )
  expect(await agent.stop()).toBe(0)
  lifted.resolve()
  await intake.close()
})
