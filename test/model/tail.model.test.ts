import fc from 'fast-check'
import { afterEach, beforeEach, test, vi } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { commands, settings } from './commands.ts'
import { propertyRuns, seed } from './property-runs.ts'
import { World } from './world.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

test(`delivers every line that is written, in order and once, whatever happens to files and agent (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(settings, commands, async (setting, happenings) => {
      using dir = tempDir()
      const world = new World({ ...setting, dir: dir.path })
      try {
        for (const happening of happenings) await happening.run(world)
        await world.conclude()
      } finally {
        await world.close()
      }
    }),
    propertyRuns(2000),
  )
}, 1_800_000)
