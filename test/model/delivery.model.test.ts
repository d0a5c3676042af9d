import fc from 'fast-check'
import { afterEach, beforeEach, test, vi } from 'vitest'
import { deliveries, deliveryCommands, lastPhase } from './delivery-commands.ts'
import { DeliveryWorld } from './delivery-world.ts'
import { propertyRuns, seed } from './property-runs.ts'

beforeEach(() => {
  // Includes node:timers/promises, with which delivery sleeps.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], fakeNodeBuiltins: true })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

test(`of what a lane reads everything is delivered or dead-lettered as it should, whatever its destination does (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, deliveryCommands, lastPhase, async (delivery, happenings, phase) => {
      // Makes the jitter reproducible.
      let drawn = 0
      const draw = () => {
        drawn = (drawn * 5 + 3) % 64
        return drawn
      }
      vi.spyOn(Math, 'random').mockImplementation(() => Math.floor(draw() / 8) / 8)
      const world = new DeliveryWorld(delivery)
      try {
        for (const happening of happenings) await happening.run(world)
        await world.conclude(phase, draw)
      } finally {
        await world.close()
      }
    }),
    propertyRuns(200),
  )
}, 1_800_000)
