import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type DemoSettings, playDemo } from '../../src/demo/demo.ts'
import { fakeIo } from '../cli/fake-io.ts'

const program = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

describe('the agent', () => {
  it.concurrent.each<Partial<DemoSettings>>([
    { destination: 'datadog', seed: 1 },
    { destination: 'webhook', seed: 2 },
  ])('delivers every event through all faults of a short demo (%o)', async (settings) => {
    const io = fakeIo()
    const base = {
      durationMs: 6000,
      seed: 0,
      destination: 'datadog',
      eventsPerSecond: 400,
      json: true,
      program,
    } as const
    const result = await playDemo({ ...base, ...settings }, io)
    expect(result?.scorecard, JSON.stringify(result?.agentLog)).toMatchObject({
      verdict: 'PASS',
      failures: [],
      missing: 0,
      torn: { events: 1 },
      agent: { exitCode: 0, kills: 1 },
    })
    const { rotations, duplicates } = result?.scorecard ?? {}
    expect(rotations).toBeGreaterThan(2)
    expect(duplicates?.afterLostReply).toBeGreaterThan(0)
  })
})
