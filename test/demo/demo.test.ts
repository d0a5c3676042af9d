import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { runDemo } from '../../src/cli/demo.ts'
import { type DemoSettings, playDemo } from '../../src/demo/demo.ts'
import { fakeIo } from '../cli/fake-io.ts'
import { until } from '../support/until.ts'
import { isRunning, watchChildren } from './processes.ts'

const programs = join(import.meta.dirname, 'programs')
const pids: number[] = []
watchChildren(({ pid = 0 }) => pids.push(pid))

beforeEach(() => {
  pids.length = 0
})

function settings(program: string): DemoSettings {
  return {
    durationMs: 60_000,
    seed: 1,
    destination: 'datadog',
    eventsPerSecond: 200,
    json: false,
    program: join(programs, program),
  }
}

function directoryIn(output: string): string {
  return dirname(/--config (\S+conf\.yaml)/.exec(output)?.[1] ?? '')
}

async function expectNothingLeft(output: string, children: readonly number[]): Promise<void> {
  await until(() => !children.some(isRunning))
  expect(existsSync(directoryIn(output))).toBe(false)
}

describe('the demo', () => {
  it('fails at once when the agent ends by itself, shows its last words, and leaves nothing behind', async () => {
    const io = fakeIo()
    const result = await playDemo(settings('failing-agent.ts'), io)
    expect(result?.scorecard).toMatchObject({ verdict: 'FAIL', agent: { exitCode: 3 } })
    expect(result?.scorecard.failures).toEqual(['the agent exited unexpectedly (exit code 3)'])
    expect(result?.agentLog).toEqual([{ level: 'error', message: 'agent: no room' }])
    expect(pids).toHaveLength(2)
    await expectNothingLeft(io.stdout.text, pids)
  })

  it('ends on a signal without a result, and leaves nothing behind', async () => {
    const io = fakeIo({
      onWrite: (text) => {
        if (text.includes('OUTAGE')) io.signal('SIGINT')
        return false
      },
    })
    expect(await playDemo({ ...settings('idle-agent.ts'), durationMs: 5000 }, io)).toBeUndefined()
    expect(pids).toHaveLength(3)
    await expectNothingLeft(io.stdout.text, pids)
  })

  it('leaves nothing behind even when it is killed', async () => {
    const parent = fork(join(programs, 'demo-parent.ts'), [], { execArgv: [] })
    const children: number[] = []
    let output = ''
    parent.on('message', (message: number | string) => {
      if (typeof message === 'number') children.push(message)
      else output += message
    })
    await until(() => children.length === 3)
    expect(existsSync(directoryIn(output))).toBe(true)
    parent.kill('SIGKILL')
    await until(() => !existsSync(directoryIn(output)))
    await expectNothingLeft(output, children)
  })
})

describe('the command line of the demo', () => {
  it.each([
    [{ duration: '3s' }, '--duration must be'],
    [{ duration: 'soon' }, '--duration must be'],
    [{ seed: '-1' }, '--seed must be'],
    [{ seed: '1.5' }, '--seed must be'],
    [{ destination: 'kafka' }, '--destination must be'],
    [{ rate: '0' }, '--rate must be'],
    [{ rate: 'fast' }, '--rate must be'],
    [{ duration: '1h', rate: '5000' }, '--duration and --rate may make 2000000 events'],
  ])('refuses %o before anything starts', async (words, problem) => {
    const io = fakeIo()
    expect(await runDemo({ json: false, ...words }, io)).toBe(64)
    expect(io.stderr.text).toContain(problem)
    expect(pids).toEqual([])
  })
})
