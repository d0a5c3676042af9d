import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clonedVolumes } from '../support/cloned-volumes.ts'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'
import { propertyRuns, seed } from './property-runs.ts'

const volume = fc.constantFrom('a', 'b', 'c')
const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('append' as const), on: volume }), weight: 6 },
  fc.record({ kind: fc.constant('rotate' as const), on: volume }),
  fc.record({ kind: fc.constant('rename' as const), on: volume }),
  fc.record({ kind: fc.constant('clone' as const), on: volume, to: volume }),
  fc.record({ kind: fc.constant('mount' as const), on: volume }),
  { arbitrary: fc.record({ kind: fc.constant('restart' as const), by: fc.nat({ max: 2 }) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('read' as const) }), weight: 3 },
)

/** Volumes are cloned, unmounted, and mounted under other device numbers; nothing is removed before it is read. */
test(`of clones that go on each line is read, and no more often than there are files with it (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      using dir = tempDir()
      const at = (...names: string[]) => join(dir.path, ...names)
      mkdirSync(at('away'))
      for (const name of ['a', 'b', 'c']) mkdirSync(at(name))
      const volumes = clonedVolumes()
      const tail = tailRig({
        dir: dir.path,
        files: volumes.files,
        sources: [sourceOf(at('*/*.log'), { backfill: true })],
        goneMs: 0,
      })
      const read = new Map<string, number>()
      /** By line, the number of files that contained it. */
      const written = new Map<string, number>()
      const count = (counts: Map<string, number>, line: string) => counts.set(line, (counts.get(line) ?? 0) + 1)
      const readAll = async () => {
        for (const line of await tail.lines()) count(read, line)
      }
      for (const [index, taken] of steps.entries()) {
        switch (taken.kind) {
          case 'append': {
            if (!existsSync(at(taken.on))) break
            // Long enough that content tells files apart.
            const line = `${index}`.padEnd(1100, `${taken.on} `)
            const isNew = !existsSync(at(taken.on, 'app.log'))
            appendFileSync(at(taken.on, 'app.log'), `${line}\n`)
            if (isNew) volumes.put(at(taken.on, 'app.log'), taken.on)
            count(written, line)
            break
          }
          case 'rotate':
            if (!existsSync(at(taken.on, 'app.log'))) break
            renameSync(at(taken.on, 'app.log'), at(taken.on, `app-2026-11-20T14-33-${10 + index}.000.log`))
            break
          case 'rename':
            await readAll()
            if (existsSync(at(taken.on, 'app.log')))
              renameSync(at(taken.on, 'app.log'), at(taken.on, `other ${index}.log`))
            break
          case 'clone': {
            if (taken.on === taken.to || !existsSync(at(taken.on)) || !existsSync(at(taken.to))) break
            await readAll()
            for (const name of readdirSync(at(taken.to))) rmSync(at(taken.to, name))
            for (const name of readdirSync(at(taken.on))) {
              volumes.clone(at(taken.on, name), at(taken.to, name), taken.to)
              for (const line of readFileSync(at(taken.on, name), 'utf8').split('\n').slice(0, -1)) count(written, line)
            }
            break
          }
          case 'mount':
            if (existsSync(at(taken.on))) renameSync(at(taken.on), at('away', taken.on))
            else renameSync(at('away', taken.on), at(taken.on))
            break
          case 'restart':
            for (const [n, name] of ['a', 'b', 'c'].entries()) volumes.deviceOf[name] = `${(n + taken.by) % 3}`
            await tail.restart()
            break
          case 'read':
            await readAll()
        }
      }
      for (const name of readdirSync(at('away'))) renameSync(at('away', name), at(name))
      await readAll()
      await readAll()
      await tail.close()
      const lost = [...written.keys()].filter((line) => !read.has(line))
      const repeated = [...read].filter(([line, times]) => times > (written.get(line) ?? 0))
      expect([lost, repeated.map(([line]) => line)].map((lines) => lines.map((line) => line.slice(0, 6)))).toEqual([
        [],
        [],
      ])
    }),
    propertyRuns(60),
  )
}, 1_800_000)
