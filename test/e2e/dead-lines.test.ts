import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readDeadLetter } from '../../src/ship/dead-letter/reading.ts'
import { type AgentProcess, agentBench, type Bench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/** With the heap that the image has. */
const program = new URL('../../bin/agent', import.meta.url).pathname
const delivery = 'delivery: {batch_max_wait: 20ms, throttle_enable: false}'
const event = '{"n":1}\n'
const line = '-\n'

/** An event, and more lines that no record can carry than all of that heap could hold one by one. */
function writeText(bench: Bench): void {
  mkdirSync(dirname(bench.auditLog), { recursive: true })
  appendFileSync(bench.auditLog, event + line.repeat(2_500_000))
}

/** Until so many were since its start. */
async function deadLettered({ child, status }: AgentProcess, count: number): Promise<void> {
  const isGone = () => child.exitCode !== null || child.signalCode !== null
  const isDone = async () => ((await status()).destinations[0]?.deadLetteredRecords ?? 0) >= count
  await until(async () => isGone() || (await isDone()), 100_000)
  expect([child.exitCode, child.signalCode]).toEqual([null, null])
}

/** Which lines of the log are there, how often, by where they begin. */
async function storedLines(bench: Bench): Promise<Map<number, number>> {
  const lines = new Map<number, number>()
  for await (const entry of readDeadLetter(join(bench.runPath, 'dead-letter', 'webhook'))) {
    const { start = -1, end, line: text = [] } = entry ?? {}
    if (end !== start + line.length || Buffer.from(text).toString() !== '-') throw new Error(`an odd entry at ${start}`)
    lines.set(start, (lines.get(start) ?? 0) + 1)
  }
  return lines
}

const positionIn = (bench: Bench) => bench.registry().generations[0]?.positions.webhook?.offset ?? 0

test('a backlog of lines too short for the heap to hold one by one is dead-lettered, each line once', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, { program })
  writeText(bench)
  const agent = bench.start()
  await deadLettered(agent, 50_000)
  expect(await agent.stop()).toBe(0)
  const lines = await storedLines(bench)
  expect([...lines.keys()]).toEqual(Array.from(lines, (_, n) => event.length + n * line.length))
  expect(new Set(lines.values())).toEqual(new Set([1]))
  expect(positionIn(bench)).toBe(event.length + lines.size * line.length)
  expect(intake.records()).toEqual([{ n: 1 }])
  await intake.close()
})

test('an agent that is killed on its way through them has passed no line that is not there', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`, { program })
  writeText(bench)
  for (let kills = 1; kills <= 3; kills += 1) {
    const agent = bench.start()
    await deadLettered(agent, 10_000)
    await agent.kill()
    const lines = await storedLines(bench)
    expect(positionIn(bench)).toBeLessThanOrEqual(event.length + lines.size * line.length)
    expect([...lines.keys()]).toEqual(Array.from(lines, (_, n) => event.length + n * line.length))
    expect([...lines.values()].filter((times) => times > kills)).toEqual([])
  }
  await intake.close()
})
