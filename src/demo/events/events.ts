import { createRandom, hex32, type Random, scramble32 } from './random.ts'
import { type Catalogue, createCatalogue, type RequestTemplate } from './requests.ts'
import { fillTemplate, type SlotValues, type Template } from './template.ts'

/** Kubernetes audit events as kube-apiserver writes them, one per line; equal seeds give equal events. */
export interface EventSource {
  /**
   * The next event's line, newline included: 1 to 100 KB, about 2 KB on average. `nowMs` becomes its stage timestamp; if
   * omitted, time advances from a fixed day at 400 events per second, which makes a file reproducible byte for byte.
   */
  next(nowMs?: number): Buffer
  /** Number of events made, including those before `firstEvent`. */
  readonly count: number
}

const MEAN_BYTES = 2020
/** Of ten consecutive events, the first two belong to one request; each of the others is a request of its own. */
const CYCLE = 10
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2
const defaultEpochMs = Date.UTC(2026, 0, 1)

const namespaces = ['default', 'kube-system', 'payments', 'monitoring', 'team-search-prod', 'ci-runners'] as const
const names = ['orders', 'gateway', 'billing-worker', 'search-indexer', 'session-cache', 'ledger'] as const

/** Skips the first `firstEvent` events, so that a second source continues where the first one ended. */
export function createEventSource(seed: number, firstEvent = 0): EventSource {
  const random = createRandom(seed)
  const catalogue = createCatalogue(random)
  const phase = random.uint32() / 0x1_0000_0000
  const single = wheelOf(singleRequests(catalogue))
  const paired = wheelOf(catalogue.paired)
  const clock = createTimestamps()
  let count = firstEvent
  let pairReceivedUs: number | undefined

  const next = (nowMs = defaultEpochMs + count * 2.5): Buffer => {
    const event = count++
    const place = event % CYCLE
    const request = place === 1 ? event - 1 : event
    random.reseed(scramble32(request ^ seed))
    const nowUs = nowMs * 1000 + random.below(1000)
    const chosen = place < 2 ? spin(paired, random.uint32() / 0x1_0000_0000) : spin(single, spread(event, phase))
    const latencyUs = 400 + random.below(60_000)
    const early = place === 0
    const receivedUs = early ? nowUs : ((place === 1 ? pairReceivedUs : undefined) ?? nowUs - latencyUs)
    pairReceivedUs = early ? nowUs : undefined
    const values = slotValues(random, {
      auditId: auditIdOf(seed, request),
      receivedAt: clock(receivedUs),
      stageAt: clock(nowUs),
    })
    return Buffer.from(fillTemplate(templateOf(chosen, early), values))
  }
  return {
    next,
    get count() {
      return count
    },
  }
}

/** Returns `auditID/stage`, which identifies an event; undefined if it is not an audit event. */
export function identityOf(event: string | Uint8Array | object): string | undefined {
  if (event instanceof Uint8Array) return identityOf(Buffer.from(event.subarray(0, 512)).toString('latin1'))
  if (typeof event === 'string') {
    const found = /"auditID":"([^"\\]+)","stage":"(\w+)"/.exec(event.slice(0, 512))
    return found ? `${found[1]}/${found[2]}` : undefined
  }
  const { auditID, stage }: { auditID?: unknown; stage?: unknown } = event
  return typeof auditID === 'string' && typeof stage === 'string' ? `${auditID}/${stage}` : undefined
}

/** Templates weighted as on a roulette wheel: `edges[i]` is where the share of `requests[i]` ends in [0, 1). */
interface Wheel {
  readonly requests: readonly [RequestTemplate, ...RequestTemplate[]]
  readonly edges: readonly number[]
}

function wheelOf(requests: readonly RequestTemplate[]): Wheel {
  const [first, ...others] = requests
  if (!first) throw new Error('a wheel needs requests')
  const total = requests.reduce((sum, request) => sum + request.weight, 0)
  let turned = 0
  const edges = requests.map((request) => {
    turned += request.weight / total
    return turned
  })
  return { requests: [first, ...others], edges }
}

function spin(wheel: Wheel, at: number): RequestTemplate {
  let low = 0
  let high = wheel.edges.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((wheel.edges[middle] ?? 1) > at) high = middle
    else low = middle + 1
  }
  return wheel.requests[low] ?? wheel.requests[0]
}

/**
 * Where the wheel stops for a single request. Multiples of the golden ratio cover [0, 1) evenly: even the rare large events
 * occur in proportion, and the mean hardly depends on the seed.
 */
function spread(event: number, phase: number): number {
  const single = event - 2 * (Math.floor(event / CYCLE) + 1)
  return (single * GOLDEN_RATIO + phase) % 1
}

/** Light and heavy requests, weighted such that the mean of all events is `MEAN_BYTES`. */
function singleRequests({ light, heavy, paired }: Catalogue): readonly RequestTemplate[] {
  const pairBytes = weightedBytes(paired, true) + weightedBytes(paired, false)
  const wanted = (CYCLE * MEAN_BYTES - pairBytes) / (CYCLE - 2)
  const lightBytes = weightedBytes(light, false)
  const heavyShare = (wanted - lightBytes) / (weightedBytes(heavy, false) - lightBytes)
  return [...scaled(light, 1 - heavyShare), ...scaled(heavy, heavyShare)]
}

function scaled(requests: readonly RequestTemplate[], share: number): readonly RequestTemplate[] {
  const total = requests.reduce((sum, request) => sum + request.weight, 0)
  return requests.map((request) => ({ ...request, weight: (request.weight / total) * share }))
}

function weightedBytes(requests: readonly RequestTemplate[], early: boolean): number {
  const stamp = '2026-01-01T00:00:00.000000Z'
  const sample = slotValues(createRandom(1), { auditId: auditIdOf(1, 1), receivedAt: stamp, stageAt: stamp })
  return scaled(requests, 1).reduce(
    (sum, request) => sum + request.weight * Buffer.byteLength(fillTemplate(templateOf(request, early), sample)),
    0,
  )
}

function templateOf(request: RequestTemplate, early: boolean): Template {
  return (early ? request.early : undefined) ?? request.complete
}

interface Stamps {
  readonly auditId: string
  readonly receivedAt: string
  readonly stageAt: string
}

/** In the order of `slotNames`. */
function slotValues(random: Random, { auditId, receivedAt, stageAt }: Stamps): SlotValues {
  const tail = random.hex(8)
  return [
    auditId,
    receivedAt,
    stageAt,
    random.pick(namespaces),
    `${random.pick(names)}-${tail.slice(0, 3)}${random.hex(7)}-${tail.slice(3)}`,
    `${random.hex(8)}-${tail.slice(0, 4)}-4${tail.slice(4, 7)}-9${tail.slice(1, 4)}-${random.hex(8)}${tail.slice(4)}`,
    String(100_000_000 + random.below(900_000_000)),
    `ip-10-0-${random.below(256)}-${random.below(256)}.eu-central-1.compute.internal`,
    `10.0.${random.below(256)}.${random.below(256)}`,
  ]
}

/** Shaped like a version 4 UUID; unique per seed, because its first eight digits are a bijection of the counter. */
function auditIdOf(seed: number, request: number): string {
  const a = hex32(scramble32(request ^ seed))
  const b = hex32(scramble32(request + 0x5bd1e995))
  const c = hex32(scramble32(~request ^ scramble32(seed)))
  return `${a}-${b.slice(0, 4)}-4${b.slice(4, 7)}-b${c.slice(0, 3)}-${c}${b.slice(2, 6)}`
}

/** Formats microseconds since the epoch as kube-apiserver does: UTC, always six decimals. */
function createTimestamps(): (us: number) => string {
  let second = Number.NaN
  let prefix = ''
  return (us) => {
    const whole = Math.floor(us / 1_000_000)
    if (whole !== second) {
      second = whole
      prefix = new Date(whole * 1000).toISOString().slice(0, 20)
    }
    return `${prefix}${String(Math.floor(us - whole * 1_000_000)).padStart(6, '0')}Z`
  }
}
