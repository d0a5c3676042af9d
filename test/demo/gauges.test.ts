import { describe, expect, it } from 'vitest'
import { createGauges, type Sample } from '../../src/demo/gauges.ts'
import type { Status } from '../../src/observe/status.ts'

function sample(atMs: number, written: number, received: number, status?: Status): Sample {
  return {
    atMs,
    written: { events: written, bytes: written * 10 },
    received: { events: received, bytes: received * 10 },
    status,
  }
}

function status(startedAt: string, retries: number, rssBytes: number): Status {
  return {
    startedAt,
    state: 'running',
    destinations: [{ state: 'retrying', inFlight: 2, retries, deadLetteredRecords: 3 }],
    sources: [{ files: [{ positions: [{ lagBytes: 5, lagMs: 40 }] }, { positions: [{ lagBytes: 6, lagMs: 30 }] }] }],
    process: { rssBytes },
  } as unknown as Status
}

describe('gauges', () => {
  it('measure the lag in events, bytes and the age of the oldest event that has not arrived', () => {
    const gauges = createGauges()
    const readings = [
      sample(0, 0, 0),
      sample(1000, 100, 90),
      sample(2000, 200, 90),
      sample(3000, 300, 250),
      sample(4000, 300, 300),
    ].map((each) => gauges.note(each).behind)
    expect(readings).toEqual([
      { events: 0, bytes: 0, ms: 0 },
      { events: 10, bytes: 100, ms: 1000 },
      { events: 110, bytes: 1100, ms: 2000 },
      { events: 50, bytes: 500, ms: 1000 },
      { events: 0, bytes: 0, ms: 0 },
    ])
    expect(gauges.measured().highestLag).toEqual({ events: 110, bytes: 1100, ms: 2000 })
  })

  it('still know the age of the oldest event after a long outage', () => {
    const gauges = createGauges()
    for (let second = 0; second < 300; second++) gauges.note(sample(second * 1000, second * 10, 5))
    expect(gauges.note(sample(300_000, 3000, 5)).behind.ms).toBe(300_000)
  })

  it('add up the retries of all lives of the agent, and remember its highest memory', () => {
    const gauges = createGauges()
    gauges.note(sample(0, 0, 0, status('first', 2, 50)))
    gauges.note(sample(1, 0, 0, status('first', 4, 70)))
    gauges.note(sample(2, 0, 0))
    const reading = gauges.note(sample(3, 0, 0, status('second', 1, 60)))
    expect(reading).toMatchObject({ retries: 5, peakMemoryBytes: 70 })
    expect(reading.agent).toEqual({
      state: 'retrying',
      inFlight: 2,
      lagBytes: 11,
      lagMs: 40,
      memoryBytes: 60,
      deadLetteredRecords: 3,
    })
    expect(gauges.measured()).toMatchObject({ retries: 5, peakMemoryBytes: 70 })
    expect(gauges.deadLetteredRecords).toBe(3)
  })

  it('measure the throughput between the first and the last arrival', () => {
    const gauges = createGauges()
    for (const [atMs, received] of [
      [0, 0],
      [1000, 100],
      [3000, 500],
      [60_000, 500],
    ] as const) {
      gauges.note(sample(atMs, 500, received))
    }
    expect(gauges.measured().throughput).toEqual({ eventsPerSecond: 200, bytesPerSecond: 2000 })
  })

  it('show what arrived in each of the last seconds', () => {
    const gauges = createGauges()
    const readings = [0, 100, 100, 350].map((received, second) => gauges.note(sample(second * 1000, 400, received)))
    expect(readings.at(-1)?.history.slice(-4)).toEqual([0, 100, 0, 250])
  })
})
