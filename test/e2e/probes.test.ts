import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { agentBench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const main = new URL('../../dist/main.js', import.meta.url).pathname
const manifest = readFileSync(new URL('../../deploy/daemonset.yaml', import.meta.url), 'utf8')
const daemonSet = parseAllDocuments(manifest)
  .map((document) => document.toJS())
  .find(({ kind }) => kind === 'DaemonSet')

/** What follows the program in the command of a probe. */
const argumentsOf = (probe: string): readonly string[] => {
  const command: readonly string[] = daemonSet.spec.template.spec.containers[0][probe].exec.command
  return command.slice(command.findIndex((word) => word.endsWith('main.js')) + 1)
}

test.each(['startupProbe', 'livenessProbe', 'readinessProbe'])('%s of the manifest is answered', async (probe) => {
  using dir = tempDir()
  const intake = await startIntake()
  const env = { TAILSHIP_SOCKET: join(dir.path, 'agent.sock') }
  const conf = `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 0s}\n`
  using bench = agentBench(dir.path, conf, { env })
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, '{"n":1}\n')
  const agent = bench.start()
  await until(() => intake.records().length === 1)
  await until(async () => (await agent.status()).health.ready.ok)
  const ask = () => spawnSync(process.execPath, [main, ...argumentsOf(probe)], { env, encoding: 'utf8' })
  expect(ask()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^OK /) })
  expect(await agent.stop()).toBe(0)
  expect(ask().status).toBe(69)
  await intake.close()
})

test.each(['startupProbe', 'livenessProbe'])(
  '%s of the manifest does not restart an agent whose run path cannot be used',
  async (probe) => {
    using dir = tempDir()
    const intake = await startIntake()
    const env = { TAILSHIP_SOCKET: join(dir.path, 'agent.sock') }
    const conf = `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 0s}\n`
    using bench = agentBench(dir.path, conf, { env })
    writeFileSync(bench.runPath, 'in the way')
    mkdirSync(dirname(bench.auditLog))
    writeFileSync(bench.auditLog, '{"n":1}\n')
    const agent = bench.start()
    await until(() => intake.records().length === 1)
    const asked = spawnSync(process.execPath, [main, ...argumentsOf(probe)], { env, encoding: 'utf8' })
    expect(asked).toMatchObject({ status: 0, stdout: expect.stringMatching(/^OK /) })
    expect(await agent.stop()).toBe(0)
    await intake.close()
  },
)
