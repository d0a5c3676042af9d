import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { openAgent } from '../../src/agent/agent.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/observe/log.ts'
import { agentBench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { moment } from '../support/moment.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/** The agent in this process, where its deadline can be chosen. */
async function open(file: string) {
  const loading = await loadConfig({ paths: [file], env: {} })
  if (loading.kind !== 'loaded') throw new Error('no configuration')
  const log = createLog({ level: 'error', sink: () => true })
  const vitals = () => ({ pid: process.pid, rssBytes: 0, cpuSeconds: 0 })
  const opened = await openAgent({ config: loading.config, problems: [], log, version: '0', vitals })
  if (opened.kind !== 'opened') throw new Error(opened.message)
  return opened.agent
}

async function start(file: string) {
  const agent = await open(file)
  await agent.start()
  return agent
}

test('a drain gives up at its deadline what is not answered, and it is sent again after the next start', async () => {
  using dir = tempDir()
  const intake = await startIntake({ script: [undefined, { kind: 'silence' }] })
  const delivery = 'delivery: {batch_max_size: 1, batch_max_wait: 10ms, max_in_flight: 1}'
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  mkdirSync(dirname(bench.auditLog), { recursive: true })
  appendFileSync(bench.auditLog, '{"n":1}\n{"n":2}\n')
  const first = await start(bench.file)
  await until(() => intake.requests.length === 2)
  expect(await first.drain(100)).toEqual({ clean: false })

  const second = await start(bench.file)
  await until(() => intake.records().length === 2)
  expect(await second.drain(20_000)).toEqual({ clean: true })
  expect(intake.records()).toEqual([{ n: 1 }, { n: 2 }])
  await intake.close()
})

test('a destination that never answers keeps no agent from starting', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  intake.setFault(() => ({ kind: 'silence' }))
  using bench = agentBench(dir.path, `destination: {type: datadog, url: "${intake.url}", api_key: abc}`)
  const agent = await start(bench.file)
  await until(() => intake.requests.length === 1)
  expect(intake.requests[0]?.body.toString()).toBe('{}')
  expect(agent.status().state).toBe('running')
  expect(await agent.drain(20_000)).toEqual({ clean: true })
  await intake.close()
})

test('an agent says that it is starting until it reads', async () => {
  using dir = tempDir()
  using bench = agentBench(dir.path, 'destination: {type: webhook, url: "http://127.0.0.1:9"}')
  const agent = await open(bench.file)
  const started = agent.start()
  expect(agent.status()).toMatchObject({ state: 'starting', health: { live: { ok: true }, startup: { ok: false } } })
  await started
  expect(agent.status()).toMatchObject({ state: 'running', health: { startup: { ok: true } } })
  await agent.drain(20_000)
})

test('status is served before the agent starts to read', async () => {
  using dir = tempDir()
  using bench = agentBench(dir.path, 'destination: {type: webhook, url: "http://127.0.0.1:9"}')
  const agent = bench.start()
  await agent.status()
  expect(await agent.stop()).toBe(0)
  const messages = agent.log().split('\n')
  const lineOf = (message: string) => messages.findIndex((line) => line.includes(message))
  expect(lineOf('no file yet')).toBeGreaterThan(lineOf('serving status'))
})

test('status names the configuration by its absolute path, however it was given', async () => {
  using dir = tempDir()
  using bench = agentBench(dir.path, 'destination: {type: webhook, url: "http://127.0.0.1:9"}')
  const agent = await open(relative(process.cwd(), bench.file))
  expect(agent.status().config.files).toEqual([bench.file])
  await agent.drain(20_000)
})

test('an agent has written down which files there are before it reads any', async () => {
  using dir = tempDir()
  using bench = agentBench(dir.path, 'destination: {type: webhook, url: "http://127.0.0.1:9"}')
  mkdirSync(dirname(bench.auditLog), { recursive: true })
  appendFileSync(bench.auditLog, '{"n":1}\n')
  const agent = await start(bench.file)
  expect(bench.registry().generations).toMatchObject([{ path: bench.auditLog }])
  await agent.drain(0)
})

test('what was rotated since an agent that died before it wrote anything is no history', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(
    dir.path,
    `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 10ms}`,
  )
  for (const path of [bench.runPath, dirname(bench.auditLog)]) mkdirSync(path, { recursive: true })
  const rotated = (hour: string) => bench.auditLog.replace(/\.log$/, `-2026-11-20T${hour}-00-00.000.log`)
  appendFileSync(rotated('10'), '{"n":"history"}\n')
  await moment(dir.path)
  // All that such an agent leaves.
  appendFileSync(join(bench.runPath, 'agent.lock'), '')
  await moment(dir.path)
  appendFileSync(rotated('11'), '{"n":1}\n')
  appendFileSync(bench.auditLog, '{"n":2}\n')
  await moment(dir.path)
  const agent = await start(bench.file)
  await until(() => intake.records().length >= 2)
  expect(await agent.drain(20_000)).toEqual({ clean: true })
  expect(intake.records()).toEqual([{ n: 1 }, { n: 2 }])
  await intake.close()
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s sends what was read before the agent ends', async (signal) => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(
    dir.path,
    `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 1h}`,
  )
  mkdirSync(dirname(bench.auditLog), { recursive: true })
  appendFileSync(bench.auditLog, '{"n":1}\n')
  const agent = bench.start()
  await until(async () => (await agent.status()).sources[0]?.files[0]?.positions[0]?.readPosition === 8)
  expect(intake.records()).toEqual([])
  expect(await agent.stop(signal)).toBe(0)
  expect(intake.records()).toEqual([{ n: 1 }])
  await intake.close()
})
