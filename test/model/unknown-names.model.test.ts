import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeFiles } from '../../src/tail/file/files.ts'
import { birthless } from '../support/faulty-files.ts'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'
import { propertyRuns, seed } from './property-runs.ts'

/** Names of no known form; below, the targets of `app.log` when it is a link. */
const others = ['app.log.old', 'app.log.save', 'app-old.log']
const targets = ['1/app.txt', '2/app.txt', '2/app.txt.old']
const other = fc.constantFrom(...others)
const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('append' as const) }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('late' as const), index: fc.nat({ max: 5 }) }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('rotate' as const), to: other }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('turn' as const), to: fc.constantFrom(...targets) }), weight: 2 },
  fc.record({ kind: fc.constant('rename' as const), from: other, to: other }),
  fc.record({ kind: fc.constant('remove' as const), index: fc.nat({ max: 5 }) }),
  { arbitrary: fc.record({ kind: fc.constant('restart' as const) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('read' as const) }), weight: 2 },
)
const settings = fc.record({ isLink: fc.boolean(), hasBirth: fc.boolean() })

/** Files leave the live path for names of no known form, and may still grow there; nothing is removed before it is read. */
test(`what was once live is read once, whatever it is called later (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), settings, async (steps, { isLink, hasBirth }) => {
      using dir = tempDir()
      const at = (file: string) => join(dir.path, file)
      for (const directory of ['1', '2']) mkdirSync(at(directory))
      const live = at('app.log')
      const known = new Set<string>()
      const turn = (to: string) => {
        rmSync(live, { force: true })
        symlinkSync(to, live)
        known.add(to)
      }
      if (isLink) turn('1/app.txt')
      const tail = tailRig({
        dir: dir.path,
        sources: [sourceOf(live)],
        files: hasBirth ? nodeFiles : birthless(nodeFiles),
      })
      const read: string[] = []
      const written: string[] = []
      const readAll = async () => void read.push(...(await tail.lines()))
      const append = (path: string) => {
        // Long enough that content tells files apart.
        written.push(`${written.length}`.padEnd(1100, `${path} `))
        appendFileSync(path, `${written.at(-1)}\n`)
      }
      await readAll()
      for (const taken of steps) {
        const left = [...known].filter((name) => existsSync(at(name)))
        const chosen = 'index' in taken ? left[taken.index % Math.max(1, left.length)] : undefined
        switch (taken.kind) {
          case 'append':
            append(live)
            break
          case 'late':
            if (chosen !== undefined) append(at(chosen))
            break
          case 'rotate':
            await readAll()
            if (isLink || !existsSync(live)) break
            renameSync(live, at(taken.to))
            known.add(taken.to)
            break
          case 'turn':
            await readAll()
            if (isLink) turn(taken.to)
            break
          case 'rename':
            await readAll()
            if (!known.has(taken.from) || !existsSync(at(taken.from))) break
            renameSync(at(taken.from), at(taken.to))
            known.add(taken.to)
            break
          case 'remove':
            await readAll()
            if (chosen !== undefined) rmSync(at(chosen))
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
