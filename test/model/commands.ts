import fc from 'fast-check'
import type { FaultyCall, World } from './world.ts'

/** One step of a run. */
export interface Command {
  run(world: World): Promise<void> | void
}

const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 61, max: 400 }) },
  { weight: 1, arbitrary: fc.integer({ min: 401, max: 3000 }) },
)
const roomBytes = fc.constantFrom(7, 31, 127, 509, 1021, 4093)
const index = fc.nat({ max: 5 })
const reads = { reads: fc.integer({ min: 1, max: 4 }), roomBytes, lines: fc.constantFrom(1, 2, 1e9) }

function command<T extends object>(
  kind: string,
  fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> },
  run: (world: World, values: T) => Promise<void> | void,
): fc.Arbitrary<Command> {
  return fc.record(fields).map((values) => ({
    run: (world) => run(world, values as T),
    [fc.toStringMethod]: () => `${kind} ${fc.stringify(values)}`,
  }))
}

/** Changes that others make to the files. */
const worldly: readonly fc.WeightedArbitrary<Command>[] = [
  {
    weight: 10,
    arbitrary: command('append', { length, isBinary: fc.boolean() }, ({ disk }, { length, isBinary }) =>
      disk.append(length, true, isBinary),
    ),
  },
  {
    weight: 3,
    arbitrary: command('append part', { length, isLast: fc.boolean() }, ({ disk }, { length, isLast }) =>
      disk.append(length, isLast, false),
    ),
  },
  { weight: 1, arbitrary: command('append empty line', {}, ({ disk }) => disk.appendEmptyLine()) },
  {
    weight: 2,
    arbitrary: command('append late', { index, length, isLast: fc.boolean() }, ({ disk }, { index, length, isLast }) =>
      disk.appendLate(index, length, isLast),
    ),
  },
  {
    weight: 4,
    arbitrary: command('rotate', { creates: fc.boolean() }, ({ disk }, { creates }) => disk.rotate(creates)),
  },
  { weight: 1, arbitrary: command('rename back', {}, ({ disk }) => disk.renameBack()) },
  { weight: 2, arbitrary: command('copy', {}, ({ disk }) => disk.copy()) },
  {
    weight: 2,
    arbitrary: command('copytruncate', { between: fc.nat({ max: 1 }), length }, ({ disk }, { between, length }) => {
      disk.copy()
      if (between > 0) disk.appendDoomed(length)
      disk.truncate()
    }),
  },
  { weight: 1, arbitrary: command('truncate', {}, ({ disk }) => disk.truncate()) },
  { weight: 1, arbitrary: command('replace', {}, ({ disk }) => disk.replace()) },
  { weight: 1, arbitrary: command('delete', { index }, ({ disk }, { index }) => disk.deleteRotated(index)) },
  { weight: 1, arbitrary: command('delete live', {}, ({ disk }) => disk.deleteLive()) },
  {
    weight: 2,
    arbitrary: command(
      'compress',
      { parts: fc.constantFrom('whole' as const, 'beside' as const, 'alone' as const) },
      ({ disk }, { parts }) => disk.compress(parts),
    ),
  },
  { weight: 1, arbitrary: command('finish compressing', {}, ({ disk }) => disk.finishCompressing()) },
]

const worldlyCommand = fc.oneof(...worldly)

export const commands = fc.array(
  fc.oneof(
    ...worldly,
    { weight: 12, arbitrary: command('pass', {}, (world) => world.pass()) },
    {
      weight: 8,
      arbitrary: command('read', { index, ...reads }, async (world, { index, ...how }) => {
        await world.read(index, how)
      }),
    },
    {
      weight: 2,
      arbitrary: command(
        'read slowly',
        // At most as much as a fingerprint covers: what is taken of a longer read cannot always be proven later.
        {
          index,
          roomBytes: fc.constantFrom(7, 127, 1021),
          lines: reads.lines,
          meanwhile: fc.array(worldlyCommand, { minLength: 1, maxLength: 3 }),
          isSeen: fc.boolean(),
        },
        async (world, { index, meanwhile, isSeen, ...how }) => {
          await world.read(index, { ...how, reads: 1 }, async () => {
            for (const other of meanwhile) await other.run(world)
            if (isSeen) await world.pass()
          })
        },
      ),
    },
    {
      weight: 2,
      arbitrary: command(
        'pass slowly',
        { index, ...reads, blocks: fc.integer({ min: 1, max: 6 }) },
        (world, { index, blocks, ...how }) => world.passSlowly(blocks, () => world.read(index, how)),
      ),
    },
    {
      weight: 2,
      arbitrary: command('copy slowly', { isBegun: fc.boolean() }, (world, { isBegun }) => world.copySlowly(isBegun)),
    },
    {
      weight: 6,
      arbitrary: command('settle', { index, picks: fc.array(fc.nat({ max: 9 }), { maxLength: 6 }) }, (world, at) =>
        world.settle(at.index, at.picks),
      ),
    },
    { weight: 4, arbitrary: command('save', {}, (world) => world.save()) },
    {
      weight: 1,
      arbitrary: command('remount', { code: fc.constantFrom('ESTALE', 'ENOTCONN', 'EIO') }, (world, { code }) =>
        world.remount(code),
      ),
    },
    { weight: 2, arbitrary: command('crash', {}, (world) => world.crash()) },
    {
      weight: 2,
      arbitrary: command('restart', {}, (world) => {
        world.save()
        return world.crash()
      }),
    },
    {
      weight: 1,
      arbitrary: command(
        'fail',
        { call: fc.constantFrom<FaultyCall | undefined>('open', 'read', 'stat', 'list', undefined, undefined) },
        (world, { call }) => world.fail(call),
      ),
    },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
)

export const settings = fc.record({
  names: fc.constantFrom('stamps' as const, 'numbers' as const),
  appends: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  bannerBytes: fc.constantFrom(0, 0, 200, 1500),
  destinations: fc.constantFrom<readonly string[]>(['one'], ['one', 'two']),
  isQuickFinal: fc.boolean(),
  hasBirth: fc.boolean(),
  openFilesLimit: fc.constantFrom(100, 100, 3),
})
