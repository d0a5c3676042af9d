import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openStore } from '../../src/checkpoint/store.ts'
import { createFakeDisk, type Interruption, type PowerLoss } from './fake-disk.ts'

describe('a save that is cut off', () => {
  it.each([
    { after: 'nothing', step: 1, names: ['registry.json', 'registry.json.prev'], loaded: 'B' },
    {
      after: 'a part of .tmp',
      step: 2,
      names: ['registry.json', 'registry.json.prev', 'registry.json.tmp'],
      loaded: 'B',
    },
    {
      after: 'the whole of .tmp',
      step: 3,
      names: ['registry.json', 'registry.json.prev', 'registry.json.tmp'],
      loaded: 'B',
    },
    { after: 'the unlink of .prev', step: 5, names: ['registry.json', 'registry.json.tmp'], loaded: 'B' },
    {
      after: 'the link to .prev',
      step: 6,
      names: ['registry.json', 'registry.json.prev', 'registry.json.tmp'],
      loaded: 'B',
    },
    { after: 'the rename', step: 7, names: ['registry.json', 'registry.json.prev'], loaded: 'C' },
  ])('leaves $loaded when the process dies after $after', async ({ step, names, loaded }) => {
    const disk = createFakeDisk()
    const store = await open(disk)
    await store.save({ generation: 'A' })
    await store.save({ generation: 'B' })
    disk.interrupt({ step, how: 'die', part: 0.5 })
    await Promise.race([store.save({ generation: 'C' }), disk.died()])
    disk.restart()

    const next = await open(disk)

    expect(disk.names()).toEqual(names)
    expect(next.loaded).toEqual({ generation: loaded })
    expect(next.recovered).toBeUndefined()
  })

  it('is loaded from .tmp when it was the first and whole', async () => {
    const disk = createFakeDisk()
    const store = await open(disk)
    disk.interrupt({ step: 4, how: 'die', part: 0 })
    await Promise.race([store.save({ generation: 'A' }), disk.died()])
    disk.restart()

    const next = await open(disk)

    expect(next.loaded).toEqual({ generation: 'A' })
    expect(next.recovered).toBe('registry.json is missing; the state was taken from registry.json.tmp')
  })

  it('leaves .prev alone while it is the only whole state', async () => {
    const disk = createFakeDisk()
    const first = await open(disk)
    await first.save({ generation: 'A' })
    await first.save({ generation: 'B' })
    disk.spoil('registry.json')
    const second = await open(disk)
    disk.interrupt({ step: 4, how: 'fail', part: 0 })

    expect(await second.save({ generation: 'C' })).toMatchObject({ kind: 'failed', code: 'ENOSPC' })

    expect(disk.names()).toEqual(['registry.json.corrupt-1', 'registry.json.prev'])
    expect((await open(disk)).loaded).toEqual({ generation: 'A' })
  })

  it('never costs an acknowledged state, whatever fails, dies or loses power, and the next save works', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round(), { minLength: 1, maxLength: 8 }), async (rounds) => {
        const disk = createFakeDisk()
        let started = 0
        let saved = 0
        for (const { interruption, saves, loss } of rounds) {
          disk.interrupt(interruption)
          const store = await Promise.race([open(disk), disk.died()])
          if (store !== 'died') {
            expect(generationOf(store.loaded)).toBeGreaterThanOrEqual(saved)
            expect(generationOf(store.loaded)).toBeLessThanOrEqual(started)
            let failures = 0
            for (let n = 0; n < saves; n++) {
              started += 1
              const result = await Promise.race([store.save({ generation: started }), disk.died()])
              if (result === 'died') break
              if (result.kind === 'saved') saved = started
              else failures += 1
            }
            // One call is refused, so one save fails at most.
            expect(failures).toBeLessThanOrEqual(1)
          }
          expect(disk.names().filter((name) => name.includes('corrupt'))).toEqual([])
          disk.restart(loss)
        }
        const store = await open(disk)
        expect(generationOf(store.loaded)).toBeGreaterThanOrEqual(saved)
        expect(await store.save({ generation: started + 1 })).toEqual({ kind: 'saved' })
        expect(generationOf((await open(disk)).loaded)).toBe(started + 1)
      }),
      { numRuns: 1500 },
    )
  })
})

function open(disk: ReturnType<typeof createFakeDisk>) {
  return openStore({ dir: '/run', fs: disk.fs, retryPauseMs: 0 })
}

function generationOf(loaded: unknown): number {
  if (loaded === undefined) return 0
  if (typeof loaded === 'object' && loaded !== null && 'generation' in loaded) return Number(loaded.generation)
  throw new Error(`not a state: ${JSON.stringify(loaded)}`)
}

function round(): fc.Arbitrary<{ interruption: Interruption; saves: number; loss: PowerLoss | undefined }> {
  return fc.record({
    interruption: fc.record({
      step: fc.integer({ min: 1, max: 30 }),
      how: fc.constantFrom('fail', 'die'),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    saves: fc.integer({ min: 0, max: 4 }),
    loss: fc.option(
      fc.record({
        namesLost: fc.double({ min: 0, max: 1, noNaN: true }),
        content: fc.constantFrom('cut', 'zeros'),
      }),
      { nil: undefined },
    ),
  })
}
