import type { DeliveryConfig } from '../../src/config/config.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'
import type { Verdict } from '../../src/ship/destination.ts'
import type { Asked, Receiver } from './receiver.ts'
import { type Line, numberOf, type Trail, truncated } from './trail.ts'

/** Consecutive records that may be dead-lettered without proof. */
const MAX_UNPROVEN = 10
/** Rounds of refusals, with nothing accepted between them, after which a record may be dead-lettered without proof. */
const MAX_UNPROVEN_ROUNDS = 3

export interface Sent extends Asked {
  /** Numbers the requests of its lane in the order in which they began. */
  readonly number: number
  readonly numbers: readonly number[]
}

/** The history of one lane. */
function createLife(firstLine: number) {
  return {
    firstLine,
    begun: 0,
    underWay: 0,
    notBeforeMs: 0,
    /** By record, the first request that contained it. */
    sent: new Map<number, number>(),
    /** The ids of all requests, and below, of those that ask again with a record already accepted. */
    ids: new Set<string>(),
    questions: new Set<string>(),
    /** Whether the last of these was too large: its record was accepted while the receiver took more. */
    isQuestionTooLarge: false,
    /** By record that the lane knows to be accepted, the number of bytes cut from it. */
    accepted: new Map<number, number>(),
    /** The last request known to be accepted. */
    lastAccepted: 0,
    /** By record, when it was first and last refused alone, counted in requests begun. */
    refused: new Map<number, { readonly first: number; readonly last: number; readonly times: number }>(),
    tooLarge: new Set<number>(),
    /** Records sent truncated and not accepted. */
    tried: new Set<number>(),
    /** By record, the id of the last request with it; by id, how often in a row it got no conclusive answer. */
    lastId: new Map<number, string>(),
    failures: new Map<string, number>(),
    row: { length: 0, last: 0 },
    /** Rejections of one batch at one moment, with nothing accepted or asked between them. */
    search: { atMs: 0, rejections: 0, records: 0 },
    /** Records that the lane has decided to dead-letter, and those it knows to be stored. */
    dead: new Set<number>(),
    deadLettered: new Set<number>(),
  }
}

type Life = ReturnType<typeof createLife>

interface Options {
  readonly trail: Trail
  readonly receiver: Receiver
  readonly delivery: DeliveryConfig
  readonly isPoison: (n: number) => boolean
}

/** What a lane may send and dead-letter, and when the watermark may move. Follows the documentation, not the code. */
export class DeliveryLaw {
  readonly #options: Options
  readonly #bodies = new Map<string, string>()
  /** Records that a lane knows to be accepted or stored. */
  readonly #settled = new Set<number>()
  #passed = 0
  #wronged = 0
  /** Whether the receiver has been repaired in a way that no lane can notice. */
  isLenient = false
  #life: Life = createLife(0)

  constructor(options: Options) {
    this.#options = options
  }

  /** Number of requests this lane has begun. */
  get begun(): number {
    return this.#life.begun
  }

  /** The unsettled lines. */
  get open(): readonly Line[] {
    return this.#options.trail.lines.filter(({ n }) => !this.#settled.has(n))
  }

  /**
   * Whether the lane cannot know what is at fault: nothing has been accepted since it began, or nothing that still would be,
   * and no open record it has sent could be. One that was given up, or is too large, counts as such, because it is not tried
   * again before that is known of its neighbours.
   */
  get knowsNothing(): boolean {
    const { lastAccepted, sent, tooLarge, isQuestionTooLarge } = this.#life
    const { isPoison } = this.#options
    const isHopeless = (n: number) => isPoison(n) || tooLarge.has(n) || this.#isGivenUp(n)
    return (
      (lastAccepted === 0 || isQuestionTooLarge) && [...sent.keys()].every((n) => this.#settled.has(n) || isHopeless(n))
    )
  }

  live(position: number): void {
    this.#life = createLife(this.#options.trail.lines.filter(({ end }) => end <= position).length)
  }

  began(asked: Asked, nowMs: number): Sent {
    const life = this.#life
    const { delivery, trail } = this.#options
    const numbers = asked.records.map(numberOf)
    life.begun += 1
    life.underWay += 1
    const known = this.#bodies.get(asked.batchId) ?? asked.body
    this.#bodies.set(asked.batchId, known)
    if (known !== asked.body) fail(`other bytes under the id of ${short(known)}`, asked)
    if (life.underWay > delivery.maxInFlight) fail('too many requests at once', asked)
    if (numbers.length > delivery.batchMaxSize) fail('too many records', asked)
    if (nowMs < life.notBeforeMs) fail(`${life.notBeforeMs - nowMs} ms before Retry-After`, asked)
    if (numbers.some((n, index) => n <= (numbers[index - 1] ?? -1))) fail('not in order', asked)
    for (const [index, n] of numbers.entries()) {
      const isWhole = asked.records[index] === trail.lines[n]?.text
      if (!isWhole && (asked.records[index] !== truncated(n) || numbers.length > 1)) fail('no line', asked)
    }
    const again = numbers.filter((n) => life.accepted.has(n))
    if (again.length === 0) this.#keepOrder(numbers, asked)
    else if (numbers.length === 1 && !life.ids.has(asked.batchId)) life.questions.add(asked.batchId)
    else if (!life.questions.has(asked.batchId)) fail(`${again} sent again though accepted`, asked)
    if (numbers.some((n) => !life.sent.has(n))) life.search = { atMs: nowMs, rejections: 0, records: 0 }
    for (const n of numbers) {
      if (!life.sent.has(n)) life.sent.set(n, life.begun)
      life.lastId.set(n, asked.batchId)
    }
    life.ids.add(asked.batchId)
    return { ...asked, number: life.begun, numbers }
  }

  #keepOrder(numbers: readonly number[], asked: Asked): void {
    const { delivery, trail } = this.#options
    const life = this.#life
    const first = Math.min(...numbers.filter((n) => !life.sent.has(n)))
    if (delivery.maxInFlight > 1 || first === Number.POSITIVE_INFINITY) return
    const before = trail.lines.slice(life.firstLine, first).filter(({ n }) => !this.#settled.has(n))
    // Lines of its own batch that are not records may still be on their way to the dead letters.
    const passed = before.filter(({ kind, n }) => kind !== 'odd' || !life.dead.has(n))
    if (passed.length > 0) fail(`before ${passed.map(({ n }) => n)} are settled`, asked)
  }

  /** The lane learns the outcome of a request. */
  learned({ number, numbers, batchId, records }: Sent, verdict: Verdict, nowMs: number): void {
    const life = this.#life
    const [n = -1] = numbers
    const isAlone = numbers.length === 1
    const isShort = records[0] !== this.#options.trail.lines[n]?.text
    life.underWay -= 1
    if (life.questions.has(batchId)) life.isQuestionTooLarge = verdict.kind === 'too-large'
    if (isShort && !life.tooLarge.has(n)) fail(`${n} was truncated though it was not too large`)
    if (isShort && verdict.kind !== 'delivered') life.tried.add(n)
    life.failures.set(batchId, verdict.kind === 'retry' ? (life.failures.get(batchId) ?? 0) + 1 : 0)
    switch (verdict.kind) {
      case 'delivered':
        life.lastAccepted = Math.max(life.lastAccepted, number)
        life.search = { atMs: nowMs, rejections: 0, records: 0 }
        for (const [index, n] of numbers.entries()) {
          const cut = (this.#options.trail.lines[n]?.text.length ?? 0) - (records[index]?.length ?? 0)
          if (!life.accepted.has(n)) life.accepted.set(n, cut)
          this.#settled.add(n)
        }
        break
      case 'retry':
        life.notBeforeMs = Math.max(life.notBeforeMs, nowMs + (verdict.retryAfterMs ?? 0))
        break
      case 'too-large':
        if (isAlone) life.tooLarge.add(n)
        break
      case 'rejected':
        if (!isShort) this.#boundSearch(batchId, isAlone, nowMs)
        if (isAlone && !isShort && !life.accepted.has(n)) this.#refuse(n)
    }
  }

  /** Limits how many rejections in a row may pass before the lane asks whether anything is still accepted. */
  #boundSearch(batchId: string, isAlone: boolean, nowMs: number): void {
    const { batchMaxSize, maxInFlight } = this.#options.delivery
    const { search, questions, lastAccepted } = this.#life
    if (search.atMs !== nowMs || questions.has(batchId)) this.#life.search = { atMs: nowMs, rejections: 0, records: 0 }
    if (questions.has(batchId) || maxInFlight > 1) return
    const { rejections, records } = this.#life.search
    this.#life.search = { atMs: nowMs, rejections: rejections + 1, records: records + (isAlone ? 1 : 0) }
    if (rejections >= 4 * Math.ceil(Math.log2(batchMaxSize)) + 3) throw new Error('searches on though all is refused')
    if (records >= MAX_UNPROVEN && lastAccepted > 0) throw new Error('refused alone eleven times, and nothing asked')
  }

  #refuse(n: number): void {
    const { refused, begun } = this.#life
    const { first = begun, times = 0 } = refused.get(n) ?? {}
    refused.set(n, { first, last: begun, times: times + 1 })
  }

  /** The lane asks for these to be stored. */
  decided(entries: readonly DeadLetterEntry[]): void {
    for (const { line, reason, status } of entries) {
      const text = Buffer.from(line).toString()
      const n = numberOf(text)
      const original = this.#options.trail.lines[n]
      if (text !== original?.text) throw new Error(`a dead letter is no line: ${short(text)}`)
      if (this.#life.dead.has(n)) continue
      this.#life.dead.add(n)
      if (original.kind === 'odd') continue
      if (original.kind === 'received' && this.#options.delivery.mode === 'blocking-strict')
        throw new Error(`a RequestReceived event is a dead letter: ${n}`)
      if (status === 413) this.#allowTooLarge(original)
      else if (status !== undefined) this.#allowRefused(n)
      else if (!this.#isGivenUp(n)) throw new Error(`${n} is dead-lettered, but was not given up: ${reason}`)
    }
  }

  #allowTooLarge({ n, kind, padding }: Line): void {
    const { tooLarge, tried } = this.#life
    if (!tooLarge.has(n)) throw new Error(`${n} is dead-lettered as too large, but was not sent alone`)
    if (kind === 'event' && padding > 100 && !tried.has(n))
      throw new Error(`${n} is dead-lettered as too large, but was not tried truncated`)
  }

  /** Whether all attempts of the last request with this record went without a conclusive answer. */
  #isGivenUp(n: number): boolean {
    const { failures, lastId } = this.#life
    const attempts = failures.get(lastId.get(n) ?? '') ?? 0
    return attempts >= (this.#options.delivery.maxAttempts ?? Number.POSITIVE_INFINITY)
  }

  #allowRefused(n: number): void {
    const { receiver, delivery, isPoison } = this.#options
    const { refused, lastAccepted, row, sent } = this.#life
    const moments = refused.get(n)
    if (moments === undefined) throw new Error(`${n} is dead-lettered, but was not refused alone`)
    if (lastAccepted === 0) throw new Error(`${n} is dead-lettered, but nothing was ever accepted`)
    const isTried = lastAccepted >= (sent.get(n) ?? 0) || moments.times >= MAX_UNPROVEN_ROUNDS
    // In a small batch, each round tries every record, and nothing else is accepted in between.
    if (!isTried && delivery.batchMaxSize <= 5 && delivery.maxInFlight === 1)
      throw new Error(`${n} is dead-lettered without proof after ${moments.times} rounds`)
    if (lastAccepted <= moments.first) {
      row.length = lastAccepted > row.last ? 1 : row.length + 1
      row.last = Math.max(row.last, moments.last)
      if (row.length > MAX_UNPROVEN) throw new Error(`${row.length} in a row are dead-lettered without proof`)
    }
    if (this.isLenient || isPoison(n) || receiver.has.has(n)) return
    this.#wronged += 1
    const most = receiver.breaks * MAX_UNPROVEN * (delivery.maxInFlight + 1)
    if (this.#wronged > most)
      throw new Error(`${this.#wronged} good records are dead-lettered: it refused everything ${receiver.breaks} times`)
  }

  /** The lane learns that these are durable. */
  stored(entries: readonly DeadLetterEntry[]): void {
    for (const { line } of entries) {
      const n = numberOf(Buffer.from(line).toString())
      if (this.#life.deadLettered.has(n)) throw new Error(`${n} is stored twice`)
      this.#life.deadLettered.add(n)
      this.#settled.add(n)
    }
  }

  /** Throws unless everything before the watermark is settled. */
  pass(watermark: number): void {
    const { lines } = this.#options.trail
    for (let line = lines[this.#passed]; line && line.end <= watermark; line = lines[this.#passed]) {
      if (!this.#settled.has(line.n)) throw new Error(`the watermark ${watermark} passed ${line.n}`)
      this.#passed += 1
    }
  }

  /** How this lane must account for its bytes once everything it took is settled. */
  get outcome() {
    const { accepted, deadLettered } = this.#life
    const { lines } = this.#options.trail
    const dead = [...deadLettered].reduce((sum, n) => sum + (lines[n]?.text.length ?? 0) + 1, 0)
    return { deadLetteredBytes: dead, truncatedBytes: [...accepted.values()].reduce((sum, cut) => sum + cut, 0) }
  }
}

function fail(what: string, asked?: Asked): never {
  throw new Error(asked ? `${what}: request ${asked.batchId} ${short(asked.records.map(numberOf).join())}` : what)
}

function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
