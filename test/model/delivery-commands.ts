import fc from 'fast-check'
import type { DeliveryConfig } from '../../src/config/config.ts'
import type { BoxState } from './dead-letter-box.ts'
import type { DeliveryWorld } from './delivery-world.ts'
import { type Phase, WELL } from './receiver.ts'
import type { Shape } from './trail.ts'

/** One step of a run. */
export interface DeliveryCommand {
  run(world: DeliveryWorld): Promise<void> | void
}

const maxBytes = fc.oneof(
  { weight: 4, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
  { weight: 1, arbitrary: fc.integer({ min: 150, max: 2000 }) },
)

export const lastPhase: fc.Arbitrary<Phase> = maxBytes.map((maxBytes) => ({ ...WELL, maxBytes }))

const phase: fc.Arbitrary<Phase> = fc.oneof(
  { weight: 3, arbitrary: lastPhase },
  {
    weight: 4,
    arbitrary: fc.record({
      manner: fc.constant('refuses' as const),
      status: fc.constantFrom(400, 404, 422),
      retryAfterSeconds: fc.constant(undefined),
      maxBytes: fc.constant(Number.POSITIVE_INFINITY),
      isUnique: fc.constant(false),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      manner: fc.constant('down' as const),
      status: fc.constantFrom(503, 429, 401, 403, 408, 302, 500),
      retryAfterSeconds: fc.constantFrom(undefined, 1, 100, 10_000),
      maxBytes: fc.constant(Number.POSITIVE_INFINITY),
      isUnique: fc.constant(false),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      manner: fc.constantFrom('well' as const, 'gone' as const, 'loses' as const, 'hasty' as const),
      status: fc.constant(0),
      retryAfterSeconds: fc.constant(undefined),
      maxBytes,
      isUnique: fc.boolean(),
    }),
  },
)

const padding = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 101, max: 850 }) },
)
const shape = (isPoison: fc.Arbitrary<boolean>): fc.Arbitrary<Shape> =>
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ kind: fc.constant('record' as const), padding, isPoison }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('event' as const), padding, isPoison }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('received' as const), padding: fc.constant(0), isPoison }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('odd' as const),
        padding: fc.constantFrom(0, 20, 1500),
        isPoison: fc.constant(false),
      }),
    },
  )
const rarely = fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
const mostly = fc.oneof({ weight: 1, arbitrary: fc.constant(false) }, { weight: 9, arbitrary: fc.constant(true) })

/** Runs of mostly good and of mostly bad lines. */
const shapes = fc
  .array(
    fc.oneof(
      { weight: 2, arbitrary: fc.array(shape(rarely), { maxLength: 25, size: 'max' }) },
      { weight: 1, arbitrary: fc.array(shape(mostly), { maxLength: 25, size: 'max' }) },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((runs) => runs.flat())

const boxState: fc.Arbitrary<BoxState> = fc.oneof(
  fc.record({ kind: fc.constantFrom('full' as const, 'failed' as const), room: fc.nat({ max: 12 }) }),
  fc.constant({ kind: 'well' as const }),
)

const pick = fc.nat({ max: 11 })

function command<T extends object>(
  kind: string,
  fields: { [Key in keyof T]: fc.Arbitrary<T[Key]> },
  run: (world: DeliveryWorld, values: T) => Promise<void> | void,
): fc.Arbitrary<DeliveryCommand> {
  return fc.record(fields).map((values) => ({
    run: (world) => run(world, values as T),
    [fc.toStringMethod]: () => `${kind} ${fc.stringify(values)}`,
  }))
}

export const deliveryCommands = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: command(
        'steps',
        { picks: fc.array(pick, { minLength: 1, maxLength: 40, size: 'max' }) },
        async (world, values) => {
          for (const each of values.picks) await world.step(each)
        },
      ),
    },
    { weight: 8, arbitrary: command('turn', { phase }, (world, { phase }) => world.turn(phase)) },
    {
      weight: 4,
      arbitrary: command('write', { shapes, isTorn: fc.boolean() }, (world, { shapes, isTorn }) =>
        world.write(shapes, isTorn),
      ),
    },
    { weight: 3, arbitrary: command('receive', { pick }, (world, { pick }) => world.receive(pick)) },
    { weight: 2, arbitrary: command('lose', { pick }, (world, { pick }) => world.lose(pick)) },
    { weight: 2, arbitrary: command('fill', { boxState }, (world, { boxState }) => world.fill(boxState)) },
    { weight: 2, arbitrary: command('save', {}, (world) => world.save()) },
    { weight: 1, arbitrary: command('drain', {}, (world) => world.drain()) },
    {
      weight: 1,
      arbitrary: command('restart', { isReceived: fc.boolean() }, (world, { isReceived }) => world.restart(isReceived)),
    },
    {
      weight: 1,
      arbitrary: command('crash', { isReceived: fc.boolean(), stored: fc.nat({ max: 9 }) }, (world, values) =>
        world.crash(values.isReceived, values.stored),
      ),
    },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
)

const batches = fc.record({
  mode: fc.constant('batch' as const),
  batchMaxSize: fc.constantFrom(1, 2, 5, 10, 20, 20),
  batchMaxWaitMs: fc.constantFrom(0, 8),
  maxInFlight: fc.constantFrom(1, 1, 2, 3, 4),
})
/** What the configuration sets in these modes. */
const single = fc.record({
  mode: fc.constantFrom('blocking' as const, 'blocking-strict' as const),
  batchMaxSize: fc.constant(1),
  batchMaxWaitMs: fc.constant(0),
  maxInFlight: fc.constant(1),
})

export const deliveries: fc.Arbitrary<DeliveryConfig> = fc
  .record({
    shape: fc.oneof({ weight: 3, arbitrary: batches }, { weight: 1, arbitrary: single }),
    maxAttempts: fc.constantFrom(undefined, undefined, undefined, 1, 3),
    maxBackoffMs: fc.constantFrom(64, 1_000_000),
  })
  .map(({ shape, ...rest }) => ({
    ...shape,
    ...rest,
    batchMaxBytes: 4096,
    throttleEnable: false,
    throttleQps: 10,
    throttleBurst: 15,
    initialBackoffMs: 8,
    backoffFactor: 2,
    requestTimeoutMs: 1000,
  }))
