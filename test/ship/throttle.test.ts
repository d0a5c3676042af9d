import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createThrottle, type Throttle } from '../../src/ship/throttle.ts'
import { expectWindowLaw } from './window-law.ts'

const never = new AbortController().signal

/** Takes once; notes when it was answered. */
function note(throttle: Throttle, answers: number[], signal = never): Promise<void> {
  return throttle.take(signal).then(() => {
    answers.push(performance.now())
  })
}

/** As many tasks as `workers`, each taking again as soon as it is answered, until the throttle is stopped. */
function keepTaking(throttle: Throttle, workers: number): number[] {
  const answers: number[] = []
  const work = async (): Promise<void> => {
    try {
      for (;;) await note(throttle, answers)
    } catch (error) {
      expect(error).toEqual(new Error('the throttle is stopped'))
    }
  }
  for (let n = 0; n < workers; n++) void work()
  return answers
}

describe('a throttle in simulated time', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    { qps: 10, burst: 15, workers: 4, seconds: 60 },
    { qps: 10, burst: 1, workers: 1, seconds: 60 },
    { qps: 0.1, burst: 1, workers: 2, seconds: 600 },
    { qps: 0.7, burst: 3, workers: 1, seconds: 100 },
    { qps: 100, burst: 2, workers: 1, seconds: 10 },
    { qps: 330, burst: 20, workers: 8, seconds: 5 },
    { qps: 1000, burst: 50, workers: 1, seconds: 3 },
    { qps: 5000, burst: 100, workers: 16, seconds: 1 },
  ])('reaches $qps a second with a burst of $burst and $workers at work, and keeps the law', async (rate) => {
    const { qps, burst, workers, seconds } = rate
    const throttle = await createThrottle({ enabled: true, qps, burst })

    const answers = keepTaking(throttle, workers)
    await vi.advanceTimersByTimeAsync(seconds * 1000 + 20)

    expectWindowLaw(answers, qps, burst)
    // With a burst of 1 a token is due when the one before was taken, up to a ms late for the timer.
    const late = burst === 1 ? qps * seconds * qps * 0.001 : 0
    expect(answers.length).toBeGreaterThanOrEqual(Math.floor(burst + qps * seconds - late - 1))
    throttle.stop()
  })

  it('answers the whole burst at once, then one at a time, in the order of asking', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 10, burst: 3 })
    const order: number[] = []
    for (let n = 0; n < 6; n++) void throttle.take(never).then(() => order.push(n))

    await vi.advanceTimersByTimeAsync(50)
    expect(order).toEqual([0, 1, 2])
    await vi.advanceTimersByTimeAsync(100)
    expect(order).toEqual([0, 1, 2, 3])
    await vi.advanceTimersByTimeAsync(200)
    expect(order).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('is full again after it was idle, and no fuller', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 10, burst: 3 })
    for (let round = 0; round < 3; round++) {
      const answers: number[] = []
      for (let n = 0; n < 5; n++) void note(throttle, answers)
      await vi.advanceTimersByTimeAsync(90)
      expect(answers).toHaveLength(3)
      await vi.advanceTimersByTimeAsync(60_000)
      expect(answers).toHaveLength(5)
    }
  })

  it('has no timer while nobody waits', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 10, burst: 2 })
    const answers: number[] = []
    for (let n = 0; n < 4; n++) void note(throttle, answers)
    expect(vi.getTimerCount()).toBeGreaterThan(0)

    await vi.advanceTimersByTimeAsync(250)

    expect(answers).toHaveLength(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives no token to a take that was aborted, and answers it with the reason', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 1, burst: 1 })
    await Promise.all([throttle.take(never), vi.advanceTimersByTimeAsync(20)])
    const controller = new AbortController()
    const aborted = expect(throttle.take(controller.signal)).rejects.toBe('enough')
    const answers: number[] = []
    const start = performance.now()
    void note(throttle, answers)

    await vi.advanceTimersByTimeAsync(500)
    controller.abort('enough')
    await aborted
    await expect(throttle.take(controller.signal)).rejects.toBe('enough')
    await vi.advanceTimersByTimeAsync(600)

    expect(answers).toHaveLength(1)
    expect((answers[0] ?? 0) - start).toBeLessThan(1010)
  })

  it('refuses those who wait and those who come when it is stopped', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 1, burst: 1 })
    await Promise.all([throttle.take(never), vi.advanceTimersByTimeAsync(20)])
    const waiting = expect(throttle.take(never)).rejects.toThrow('the throttle is stopped')

    throttle.stop()
    throttle.stop()

    await waiting
    await expect(throttle.take(never)).rejects.toThrow('the throttle is stopped')
    await vi.advanceTimersByTimeAsync(10)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('keeps the law when the event loop stalls between the picking of a job and its run', async () => {
    let stalledMs = 0
    const throttle = await createThrottle({
      enabled: true,
      qps: 10,
      burst: 15,
      clock: () => performance.now() + stalledMs,
    })
    const answers: number[] = []
    const answered = () => answers.push(performance.now() + stalledMs)
    for (let n = 0; n < 60; n++) void throttle.take(never).then(answered)
    for (let step = 0; step < 200; step++) {
      await vi.advanceTimersByTimeAsync(1)
      // Time passes, and no timer has run.
      if (step % 23 === 0) stalledMs += 400
    }

    expectWindowLaw(answers, 10, 15)
    expect(answers.length).toBeGreaterThan(30)
  })

  it('keeps law and rate when somebody sets the clock back or forward', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 10, burst: 5 })
    await vi.advanceTimersByTimeAsync(5)
    vi.setSystemTime(Date.now() - 3_600_000)
    const answers = keepTaking(throttle, 2)
    for (const hours of [-1, 2, -3, 0]) {
      await vi.advanceTimersByTimeAsync(3000)
      vi.setSystemTime(Date.now() + hours * 3_600_000)
    }
    await vi.advanceTimersByTimeAsync(3000)
    expectWindowLaw(answers, 10, 5)
    expect(answers.length).toBeGreaterThanOrEqual(5 + 15 * 10 - 1)
    throttle.stop()
  })

  it('keeps the law and answers everybody, for any rate and any pattern of takes and aborts', async () => {
    const steps = fc.array(
      fc.record({
        takes: fc.integer({ min: 0, max: 6 }),
        aborts: fc.boolean(),
        /** In tokens. */
        pause: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 4, noNaN: true })),
      }),
      { minLength: 1, maxLength: 15 },
    )
    const rates = fc.record({
      qps: fc.oneof(fc.constantFrom(0.1, 1, 10, 200, 5000), fc.double({ min: 0.05, max: 2000, noNaN: true })),
      burst: fc.integer({ min: 1, max: 20 }),
    })
    await fc.assert(
      fc.asyncProperty(rates, steps, async ({ qps, burst }, pattern) => {
        const throttle = await createThrottle({ enabled: true, qps, burst })
        const answers: number[] = []
        let asked = 0
        let aborted = 0
        for (const { takes, aborts, pause } of pattern) {
          for (let n = 0; n < takes; n++) {
            const controller = new AbortController()
            note(throttle, answers, controller.signal).catch(() => {
              aborted += 1
            })
            asked += 1
            if (aborts && n % 2 === 1) controller.abort()
          }
          await vi.advanceTimersByTimeAsync((pause * 1000) / qps)
        }
        // A token and, with a burst of 1, what Bottleneck needs to fetch it.
        await vi.advanceTimersByTimeAsync(asked * (1000 / qps + 5) + 20)

        expectWindowLaw(answers, qps, burst)
        expect(answers.length + aborted).toBe(asked)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a throttle in real time', () => {
  it('never exceeds its rate', async () => {
    const throttle = await createThrottle({ enabled: true, qps: 100, burst: 10 })
    const takes: { readonly askedMs: number; readonly answeredMs: number }[] = []
    const work = async (): Promise<void> => {
      while (takes.length < 60) {
        const askedMs = performance.now()
        await throttle.take(never)
        takes.push({ askedMs, answeredMs: performance.now() })
      }
    }

    await Promise.all([work(), work(), work(), work()])

    // Whoever asked and was answered within a window was admitted within it, however slow this machine is.
    for (const { askedMs: start } of takes) {
      for (const { answeredMs: end } of takes) {
        const within = takes.filter(({ askedMs, answeredMs }) => askedMs >= start && answeredMs <= end).length
        expect(within).toBeLessThanOrEqual(10 + Math.max(0, (end - start) * 100) / 1000)
      }
    }
  })

  it('stands aside when it is disabled', async () => {
    const throttle = await createThrottle({ enabled: false, qps: 0.001, burst: 1 })

    for (let n = 0; n < 100; n++) await throttle.take(never)

    await expect(throttle.take(AbortSignal.abort('enough'))).rejects.toBe('enough')
    throttle.stop()
  })
})
