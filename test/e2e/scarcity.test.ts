import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { agentBench, type Bench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const delivery = 'delivery: {batch_max_wait: 20ms, throttle_enable: false}\n'
const line = (n: number) => `{"n":${n}}\n`

/** Until the positions on disk are behind so many lines: what has arrived is settled and written down a little later. */
function settledOnDisk(bench: Bench, lines: number): Promise<void> {
  const settled = () => bench.registry().generations.map(({ positions }) => positions.webhook?.offset ?? 0)
  return until(() => settled().reduce((sum, offset) => sum + offset, 0) === lines * line(0).length)
}

test('a process that may open few files keeps enough of them to send what it reads', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  const sources = Array.from({ length: 100 }, (_, n) => join(dir.path, 'log', `${n}.log`))
  mkdirSync(join(dir.path, 'log'))
  for (const [n, path] of sources.entries()) writeFileSync(path, line(n))
  const log = join(dir.path, 'log', '*.log')
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, {
    openFiles: 64,
    path: log,
  })
  const agent = bench.start()
  await until(() => intake.records().length === sources.length)
  expect(agent.log()).toContain('open_files_limit is lowered')
  expect((await agent.status()).checkpoint.error).toBeUndefined()
  expect(await agent.stop()).toBe(0)
  await intake.close()
})

test('rotations while positions cannot be written lose nothing, and are known once they can', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, line(0))
  const agent = bench.start()
  await until(() => intake.records().length === 1)
  await until(async () => (await agent.status()).checkpoint.lastWrittenAt !== undefined)
  const away = `${bench.runPath}.away`
  renameSync(bench.runPath, away)
  writeFileSync(bench.runPath, 'in the way')
  for (let n = 1; n <= 5; n += 1) {
    appendFileSync(bench.auditLog, line(n))
    renameSync(bench.auditLog, bench.auditLog.replace('.log', `-2026-11-20T14-33-4${n}.420.log`))
    writeFileSync(bench.auditLog, '')
    await until(() => intake.records().length === n + 1)
  }
  await until(() => agent.log().includes('positions cannot be written'))
  rmSync(bench.runPath)
  renameSync(away, bench.runPath)
  await until(() => agent.log().includes('positions can be written again'))
  await settledOnDisk(bench, 6)
  await agent.kill()
  appendFileSync(bench.auditLog, line(6))
  const again = bench.start()
  await until(() => intake.records().length >= 7)
  expect(await again.stop()).toBe(0)
  expect(intake.records()).toEqual(Array.from({ length: 7 }, (_, n) => ({ n })))
  await intake.close()
})

test('a run path that cannot be used stops nothing; it is taken, with its lock, as soon as it can be', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
  writeFileSync(bench.runPath, 'in the way')
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, line(1))
  const agent = bench.start()
  await until(() => intake.records().length === 1)
  renameSync(bench.auditLog, `${bench.auditLog}.1`)
  appendFileSync(bench.auditLog, line(2))
  await until(() => intake.records().length === 2)
  expect(agent.log()).toContain('positions are not kept')

  rmSync(bench.runPath)
  await until(async () => (await agent.status()).checkpoint.lastWrittenAt !== undefined)
  expect((await agent.status()).checkpoint.writable).toBe(true)
  const second = bench.start()
  await until(() => second.child.exitCode !== null)
  expect(second.child.exitCode).toBe(75)

  await settledOnDisk(bench, 2)
  await agent.kill()
  appendFileSync(bench.auditLog, line(3))
  const again = bench.start()
  await until(() => intake.records().length === 3)
  expect(await again.stop()).toBe(0)
  expect(intake.records()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  await intake.close()
})

test.runIf(process.platform === 'linux')('a run path that cannot be made stops nothing', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, {
    runPath: '/proc/nope/run',
  })
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, line(1))
  const agent = bench.start()
  await until(() => intake.records().length === 1)
  const told = agent
    .log()
    .split('\n')
    .find((text) => text.includes('positions are not kept'))
  expect(JSON.parse(told ?? '')).toMatchObject({
    reason: expect.stringContaining("ENOENT: no such file or directory, mkdir '/proc/nope'"),
    hint: expect.stringContaining('set another checkpoint.run_path'),
  })
  expect(await agent.stop()).toBe(0)
  await intake.close()
})

test.runIf(process.platform === 'linux')('a run path that is removed on the host holds what needs it', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  const home = join(dir.path, 'home')
  mkdirSync(home)
  const descriptor = openSync(home, 'r')
  // As a mount does, this leads to the directory also when it is removed.
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, {
    runPath: `/proc/${process.pid}/fd/${descriptor}`,
  })
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, line(1))
  const agent = bench.start()
  await until(async () => (await agent.status()).checkpoint.lastWrittenAt !== undefined)
  // Or it would write into what is being removed.
  await settledOnDisk(bench, 1)

  rmSync(home, { recursive: true })
  appendFileSync(bench.auditLog, `no record\n${line(2)}`)
  await until(() => agent.log().includes('its directory was removed, or cannot be made: restart the pod'))
  expect(agent.log()).toContain('the dead letter takes no more lines: the destination waits and nothing is dropped')
  await until(() => agent.log().includes('agent.lock: its directory was removed: restart the pod'))
  await agent.kill()
  closeSync(descriptor)
  await intake.close()
})

test('an agent without the lock leaves a registry that it cannot use where it is, until it has the lock', async () => {
  using dir = tempDir()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "http://127.0.0.1:9"}\n${delivery}`)
  const lock = join(bench.runPath, 'agent.lock')
  mkdirSync(lock, { recursive: true })
  writeFileSync(join(bench.runPath, 'registry.json'), 'of a newer agent')
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, line(1))
  const agent = bench.start()
  await until(() => agent.log().includes('the stored positions could not be used as they were'))
  expect(agent.log()).toContain('positions are not kept')
  expect(readFileSync(join(bench.runPath, 'registry.json'), 'utf8')).toBe('of a newer agent')

  rmSync(lock, { recursive: true })
  await until(async () => (await agent.status()).checkpoint.lastWrittenAt !== undefined)
  expect(readFileSync(join(bench.runPath, 'registry.json.corrupt-1'), 'utf8')).toBe('of a newer agent')
  await agent.kill()
})

test.runIf(process.getuid?.() === 0)('a run path of another user is told of with what to do', () => {
  using dir = tempDir()
  chmodSync(dir.path, 0o755)
  using bench = agentBench(dir.path, 'destination: {type: webhook, url: "http://127.0.0.1:9"}')
  mkdirSync(bench.runPath, { mode: 0o700 })
  const script = new URL('./open-as-nobody.ts', import.meta.url).pathname
  const { stdout, stderr } = spawnSync(process.execPath, [script, bench.file], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toMatchObject({
    reason: expect.stringContaining('EACCES'),
    hint: expect.stringMatching(/^it belongs to uid 0: run the agent as that user, or give it a run path of its own; /),
  })
})

test.runIf(process.getuid?.() === 0)(
  'root leaves the positions of another user alone, and may take them over',
  async () => {
    using dir = tempDir()
    const intake = await startIntake()
    using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
    const inRunPath = () => readdirSync(bench.runPath).map((name) => join(bench.runPath, name))
    const giveAllTo = (uid: number) => {
      for (const path of [bench.runPath, ...inRunPath()]) chownSync(path, uid, uid)
    }
    const state = () => inRunPath().map((path) => [path, statSync(path).uid, readFileSync(path, 'latin1')])
    const isRefused = async (file: string) => {
      const before = state()
      const agent = bench.start()
      await until(() => agent.child.exitCode !== null)
      expect(agent.child.exitCode).toBe(77)
      expect(agent.log()).toContain(`${join(bench.runPath, file)} belongs to uid 65534: run the agent as that user`)
      expect(state()).toEqual(before)
    }
    mkdirSync(dirname(bench.auditLog))
    writeFileSync(bench.auditLog, line(1))
    // Who made the directory for the agent does not matter.
    mkdirSync(bench.runPath)
    giveAllTo(65_534)
    const first = bench.start()
    await until(() => intake.records().length === 1)
    expect(await first.stop()).toBe(0)

    giveAllTo(65_534)
    await isRefused('registry.json')
    giveAllTo(0)
    const again = bench.start()
    expect((await again.status()).sources[0]?.files[0]?.positions[0]?.lagBytes).toBe(0)
    expect(await again.stop()).toBe(0)
    expect(intake.records()).toHaveLength(1)

    // An agent that has not written any positions yet.
    giveAllTo(65_534)
    for (const path of inRunPath()) if (!path.endsWith('agent.lock')) rmSync(path)
    await isRefused('agent.lock')
    await intake.close()
  },
)

test.each([
  ['that is not there', 'none.log', ['info', 'no file yet: it will be read as soon as it appears']],
  ['whose directory is not there', 'none/a.log', ['warn', 'no file yet: it will be read as soon as it appears']],
  ['that is a directory', '', ['warn', 'not read at present']],
])('a file %s at the start is in the log', async (_what, name, [level, message]) => {
  using dir = tempDir()
  const path = join(dir.path, name)
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "http://127.0.0.1:9"}\n${delivery}`, { path })
  const agent = bench.start()
  const lines = () =>
    agent
      .log()
      .split('\n')
      .filter((text) => text.includes(message ?? ''))
  await until(() => lines().length > 0)
  expect(lines().map((text) => JSON.parse(text))).toEqual([expect.objectContaining({ level, message, path })])
  expect(agent.log()).not.toContain('"tailing"')
  await agent.kill()
})

test('a key file that is not there yet is in the log, and no standing problem of the configuration', async () => {
  using dir = tempDir()
  const key = join(dir.path, 'key')
  using bench = agentBench(
    dir.path,
    `destination: {type: datadog, url: "http://127.0.0.1:9", api_key_file: ${key}, compression: none, dead_letter_max_bytes: 1}`,
  )
  const agent = bench.start()
  const { config } = await agent.status()
  expect(config.problems).toEqual([
    expect.stringMatching(/conf\.yaml:\d+:\d+: `dead_letter_max_bytes` is less than the 2MiB/),
  ])
  expect(agent.log()).toContain(`\`api_key_file\` ${key} does not exist yet: deliveries wait for it`)
  await agent.kill()
})

test('a source whose path another one names before it is told of, and does not keep the agent from being ready', async () => {
  using dir = tempDir()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "http://127.0.0.1:9"}`)
  const conf = readFileSync(bench.file, 'utf8')
  writeFileSync(bench.file, conf.replace('\ncheckpoint', `\n  - {type: file, path: "${bench.auditLog}"}\ncheckpoint`))
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, '')
  const agent = bench.start()
  const { health, config } = await agent.status()
  expect([health.ready, config.problems.length]).toEqual([{ ok: true, reasons: [] }, 1])
  expect(agent.log()).toContain(`\`path\` is the same as in ${bench.file}:2: `)
  expect(agent.log().match(/"tailing"/g)).toHaveLength(1)
  await agent.kill()
})
