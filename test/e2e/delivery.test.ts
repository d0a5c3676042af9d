import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openAuditLog } from '../../src/demo/audit-log.ts'
import { createEventSource } from '../../src/demo/events/events.ts'
import { type AgentProcess, agentBench } from '../support/agent-process.ts'
import { type HostileIntake, startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const delivery = `delivery:
  batch_max_wait: 50ms
  throttle_qps: 500
  throttle_burst: 50
  initial_backoff: 20ms
  max_backoff: 100ms
  request_timeout: 5s
`

/** Writes `count` events into a log that rotates about every 100 KB; returns their lines. */
function writer(path: string) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const events = createEventSource(7)
  const log = openAuditLog({ path, maxSizeBytes: 100_000, maxBackups: 0, nowMs: () => Date.now() })
  const lines: string[] = []
  return {
    lines,
    write(count: number) {
      for (let n = 0; n < count; n += 1) {
        const line = events.next()
        log.write(line)
        lines.push(line.toString('utf8').trimEnd())
      }
    },
    rotate: () => log.rotate(),
    close: () => log.close(),
  }
}

const datadogLines = (intake: HostileIntake) =>
  intake.records().map((record) => (record as { message: string }).message)
/** The list's items as they came: between the frame of the list, with a comma in the place of each newline. */
const webhookLines = (intake: HostileIntake) =>
  intake.batches.flatMap(({ body }) => {
    const items = body.toString('utf8').slice(body.indexOf('"items":[') + '"items":['.length, -']}'.length)
    return items.split(/,(?=\{"kind":"Event","apiVersion":"audit\.k8s\.io\/v1","level")/)
  })
/** Until all of the live file is settled. */
const caughtUp = (agent: AgentProcess) =>
  until(async () => (await agent.status()).sources[0]?.files[0]?.positions[0]?.lagBytes === 0)
/** What a failure should show of a line. */
const headOf = (line: string) => line.slice(0, 140)

describe.each([
  ['datadog', 'api_key: abc', datadogLines],
  ['webhook', 'compression: zstd', webhookLines],
] as const)('the agent with a %s destination', (type, more, linesOf) => {
  test('loses nothing through rotations, faults of the intake, kill -9 and a restart', async () => {
    using dir = tempDir()
    const intake = await startIntake({ script: [undefined, { kind: 'answer', status: 503 }, { kind: 'lost-reply' }] })
    using bench = agentBench(dir.path, `destination: {type: ${type}, url: "${intake.url}", ${more}}\n${delivery}`)
    const log = writer(bench.auditLog)
    log.write(10)
    const first = bench.start()
    await until(() => intake.batches.length >= 1)
    for (let round = 2; round <= 4; round += 1) {
      log.write(100)
      await until(() => intake.batches.length >= round)
    }
    intake.setFault(() => ({ kind: 'answer', status: 429, headers: { 'retry-after': '1' } }))
    log.write(100)
    await until(() => intake.requests.length > intake.batches.length + 2)
    await first.kill()
    log.write(150)
    log.rotate()
    log.write(20)
    intake.setFault(undefined)
    const second = bench.start()
    log.write(80)
    await until(() => new Set(linesOf(intake)).size >= log.lines.length)
    expect(await second.stop()).toBe(0)
    const delivered = new Set(linesOf(intake))
    const written = new Set(log.lines)
    expect(log.lines.filter((line) => !delivered.has(line)).map(headOf)).toEqual([])
    expect([...delivered].filter((line) => !written.has(line)).map(headOf)).toEqual([])
    expect(intake.malformed).toEqual([])

    // A clean stop leaves nothing to send again.
    const count = linesOf(intake).length
    const third = bench.start()
    log.write(1)
    await until(() => linesOf(intake).length > count)
    await third.stop()
    expect(linesOf(intake)).toHaveLength(count + 1)
    log.close()
    await intake.close()
  })
})

test('status tells an outage, and the positions stay where they were until it is over', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  intake.setFault(() => ({ kind: 'answer', status: 503, body: 'down' }))
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  const log = writer(bench.auditLog)
  log.write(10)
  const agent = bench.start()
  await until(async () => (await agent.status()).destinations[0]?.state === 'retrying')
  const status = await agent.status()
  expect(status.destinations[0]).toMatchObject({ inFlight: 1, recordsSent: 0 })
  expect(status.destinations[0]?.lastSuccessAt).toBeUndefined()
  expect(status.destinations[0]?.lastError?.message).toContain('503')
  expect(status.sources[0]?.files[0]?.positions[0]).toMatchObject({ position: 0 })
  expect(status.sources[0]?.files[0]?.positions[0]?.lagBytes).toBeGreaterThan(0)
  intake.setFault(undefined)
  await until(() => intake.records().length === 10)
  await caughtUp(agent)
  expect(await agent.stop()).toBe(0)
  log.close()
  await intake.close()
})

test('status tells a missing and a wrong key while there is nothing to send, and only until it is mended', async () => {
  using dir = tempDir()
  const intake = await startIntake({ apiKey: 'right' })
  const keyFile = join(dir.path, 'key')
  using bench = agentBench(
    dir.path,
    `destination: {type: datadog, url: "${intake.url}", api_key_file: "${keyFile}"}\n${delivery}`,
  )
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, '')
  const agent = bench.start()
  const isRefused = async (reason: string) => {
    const { destinations, health } = await agent.status()
    return destinations[0]?.state === 'unauthorized' && !health.ready.ok && health.ready.reasons.join().includes(reason)
  }
  await until(() => isRefused('cannot be read (ENOENT)'))
  writeFileSync(keyFile, 'wrong')
  await until(() => isRefused('HTTP 403'))
  writeFileSync(keyFile, 'right')
  await until(async () => (await agent.status()).health.ready.ok)
  expect((await agent.status()).destinations[0]).toMatchObject({ state: 'ok', batchesSent: 0 })
  expect(await agent.stop()).toBe(0)
  await intake.close()
})

test('a batch whose reply is lost in a crash comes again as the same bytes under the same id', async () => {
  using dir = tempDir()
  const intake = await startIntake({ script: [{ kind: 'silence' }, { kind: 'lost-reply' }] })
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  const log = writer(bench.auditLog)
  log.write(50)
  const first = bench.start()
  await until(() => intake.requests.length === 1)
  await first.kill()
  const second = bench.start()
  await until(() => intake.requests.length === 3)
  expect(await second.stop()).toBe(0)
  const [one, ...again] = intake.requests.map(({ id, body }) => ({ id, body: body.toString() }))
  expect(again).toEqual([one, one])
  expect(one?.id).toMatch(/^[0-9a-f]{32}$/)
  log.close()
  await intake.close()
})

test('a second agent on the same run path refuses to start', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}`)
  const log = writer(bench.auditLog)
  const first = bench.start()
  await first.status()
  const second = bench.start()
  await until(() => second.child.exitCode !== null)
  expect(second.child.exitCode).toBe(75)
  expect(second.log()).toContain(bench.runPath)
  expect(await first.stop()).toBe(0)
  log.close()
  await intake.close()
})

test('a torn last line waits for its end, and lines nobody can carry do not stop the others', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  const log = writer(bench.auditLog)
  log.write(1)
  const agent = bench.start()
  appendFileSync(bench.auditLog, 'not json\n{"half":')
  await until(() => intake.records().length === 1)
  appendFileSync(bench.auditLog, '"whole"}\n')
  await until(() => intake.records().length === 2)
  expect(intake.records()[1]).toEqual({ half: 'whole' })
  await caughtUp(agent)
  const status = await agent.status()
  expect(status.destinations[0]?.deadLetteredRecords).toBe(1)
  expect(status.sources[0]?.files[0]?.bytesDeadLettered).toBe('not json\n'.length)
  expect(JSON.stringify(status), 'no digits that mean nothing').not.toMatch(/\d\.\d{7}/)
  await agent.stop()
  log.close()
  await intake.close()
})

test('a destination that is down leaves the other alone and catches up from disk', async () => {
  using dir = tempDir()
  const [up, down] = [await startIntake(), await startIntake()]
  down.setFault(() => ({ kind: 'answer', status: 503 }))
  using bench = agentBench(
    dir.path,
    `destinations:\n  - {type: webhook, name: up, url: "${up.url}"}\n  - {type: datadog, name: down, url: "${down.url}", api_key: abc}\n${delivery}`,
  )
  const log = writer(bench.auditLog)
  log.write(1)
  const agent = bench.start()
  await until(() => down.requests.length > 0)
  log.write(200)
  await until(() => up.records().length === 201)
  expect(down.records()).toEqual([])
  await until(async () => (await agent.status()).destinations[1]?.state === 'retrying')
  await until(async () => (await agent.status()).destinations[0]?.recordsSent === 201)
  expect((await agent.status()).destinations[0]).toMatchObject({ name: 'up', state: 'ok' })
  await agent.kill()
  down.setFault(undefined)
  const again = bench.start()
  await until(() => down.records().length === 201)
  expect(new Set(datadogLines(down))).toEqual(new Set(log.lines))
  expect(await again.stop()).toBe(0)
  expect(up.records().length).toBeLessThanOrEqual(2 * 201)
  log.close()
  await Promise.all([up.close(), down.close()])
})
