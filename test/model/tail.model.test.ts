import fc from 'fast-check'
import { test } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { commands, settings } from './commands.ts'
import { World } from './world.ts'

const runs = Number(process.env.TAILSHIP_MODEL_RUNS ?? 2000)
const seed = process.env.TAILSHIP_MODEL_SEED

test('delivers every line that is written, in order and once, whatever happens to the files and to the agent', async () => {
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
    { numRuns: runs, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  )
}, 1_800_000)
