import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { createEventSource } from '../../src/demo/events/events.ts'
import { agentBench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

test('a glob that reaches into the run path finds nothing there: positions and dead letters are not shipped', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  const conf = `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 50ms, throttle_enable: false}`
  using bench = agentBench(dir.path, conf, { path: `${dir.path}/**` })
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, createEventSource(3).next())
  for (const start of [1, 2]) {
    const agent = bench.start()
    await until(async () => (await agent.status()).state === 'running')
    // Its configuration is below the glob, too; it is no JSON, and so there are dead letters.
    const paths = async () => (await agent.status()).sources[0]?.files.map(({ path }) => path)
    await until(async () => (await agent.status()).destinations[0]?.deadLetterRecords !== 0)
    expect(await paths(), `start ${start}`).toEqual([bench.file, bench.auditLog])
    expect(await agent.stop()).toBe(0)
  }
  await intake.close()
})
