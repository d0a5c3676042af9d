import { appendFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'
import { propertyRuns, seed } from './property-runs.ts'

const names = ['a.log', 'b.log', 'c-1.log', 'a.log.1', 'x/a.log', 'out']
const name = fc.constantFrom(...names)
const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('append' as const), to: name }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('rename' as const), from: name, to: name }), weight: 3 },
  fc.record({ kind: fc.constant('hard link' as const), from: name, to: name }),
  fc.record({ kind: fc.constant('link' as const), from: name }),
  fc.record({ kind: fc.constant('remove' as const), from: name }),
  fc.record({ kind: fc.constant('restart' as const) }),
  fc.record({ kind: fc.constant('read' as const) }),
)

/** Files are renamed, linked and replaced at will among the names of a pattern; nothing is removed before it is read. */
test(`whatever names files go by, each line under the pattern is read once (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      using dir = tempDir()
      const at = (file: string) => join(dir.path, file)
      mkdirSync(at('x'))
      const tail = tailRig({
        dir: dir.path,
        sources: [sourceOf(at('*.log'), { backfill: true }), sourceOf(at('**/*.log*'), { backfill: true })],
        goneMs: 0,
      })
      const read: string[] = []
      const written: string[] = []
      const readAll = async () => void read.push(...(await tail.lines()))
      for (const [index, taken] of steps.entries()) {
        switch (taken.kind) {
          case 'append':
            if (taken.to === 'out') break
            // Long enough that content tells files apart.
            written.push(`${index}`.padEnd(1100, `${taken.to} `))
            appendFileSync(at(taken.to), `${written.at(-1)}\n`)
            break
          case 'rename':
            await readAll()
            if (existsSync(at(taken.from))) renameSync(at(taken.from), at(taken.to))
            break
          case 'hard link':
            if (existsSync(at(taken.from)) && !existsSync(at(taken.to))) linkSync(at(taken.from), at(taken.to))
            break
          case 'link':
            rmSync(at('link.log'), { force: true })
            symlinkSync(taken.from, at('link.log'))
            break
          case 'remove':
            await readAll()
            rmSync(at(taken.from), { force: true })
            break
          case 'restart':
            await tail.restart()
            break
          case 'read':
            await readAll()
        }
      }
      await readAll()
      await readAll()
      await tail.close()
      expect(read.map((line) => line.slice(0, 4)).sort()).toEqual(written.map((line) => line.slice(0, 4)).sort())
    }),
    propertyRuns(60),
  )
}, 1_800_000)
