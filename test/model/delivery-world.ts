import { setImmediate } from 'node:timers/promises'
import { vi } from 'vitest'
import type { Feed } from '../../src/chunk.ts'
import type { DeliveryConfig } from '../../src/config/config.ts'
import type { Body } from '../../src/ship/body/body.ts'
import { createJsonListBody } from '../../src/ship/body/json-list-body.ts'
import type { WriteResult } from '../../src/ship/dead-letter/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'
import { failingSinceMs } from '../../src/ship/delivery/lane-account.ts'
import type { Destination, SendRequest, Verdict } from '../../src/ship/destination.ts'
import { judge, webhookSuccess } from '../../src/ship/destinations/judge.ts'
import type { Answer } from '../../src/ship/http/answer.ts'
import { createLane, type Lane } from '../../src/ship/lane.ts'
import { memoryFeed, originOf } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { type BoxState, DeadLetterBox } from './dead-letter-box.ts'
import { DeliveryLaw, type Sent } from './delivery-law.ts'
import { type Phase, Receiver } from './receiver.ts'
import { type Shape, Trail } from './trail.ts'

const LIMITS = { batchMaxBytes: 4096, maxLineBytes: 1024 }
const MAX_TICKS_IN_VAIN = 50
/** Reads allowed between two steps. */
const MAX_READS = 1000

interface Life {
  readonly lane: Lane
  readonly file: ReturnType<typeof memoryFeed>
  readonly bodies: Body[]
  state: 'running' | 'draining' | 'drained' | 'stopped'
}

/** Something the lane waits for. */
type Pending =
  | { readonly kind: 'request'; readonly sent: Sent; answer?: Answer; readonly resolve: (verdict: Verdict) => void }
  | {
      readonly kind: 'write'
      readonly entries: readonly DeadLetterEntry[]
      readonly resolve: (stored: WriteResult) => void
    }

/** Reused in later runs, because the memory of a body is released late. */
const spareBodies = new Map<number, Body[]>()

/** A lane with its input and its receiver, checked against the law. Advances only step by step. Needs fake timers. */
export class DeliveryWorld {
  readonly #delivery: DeliveryConfig
  readonly #trail = new Trail()
  readonly #receiver: Receiver
  readonly #box = new DeadLetterBox()
  readonly #law: DeliveryLaw
  /** Whether the receiver refuses a record in every phase. */
  #isPoison: (n: number) => boolean = (n) => this.#trail.lines[n]?.isPoison === true
  #pending: Pending[] = []
  #violation: unknown
  #requests = 0
  #reads = 0
  #saved = 0
  #life: Life

  constructor(delivery: DeliveryConfig) {
    this.#delivery = delivery
    const isPoison = (n: number) => this.#isPoison(n)
    this.#receiver = new Receiver(isPoison)
    this.#law = new DeliveryLaw({ trail: this.#trail, receiver: this.#receiver, delivery, isPoison })
    this.#life = this.#begin(0)
  }

  async write(shapes: readonly Shape[], isTorn: boolean): Promise<void> {
    this.#life.file.append(this.#trail.write(shapes, isTorn))
    await this.#settle()
  }

  turn(phase: Phase): void {
    this.#receiver.phase = phase
  }

  fill(state: BoxState): void {
    this.#box.state = state
  }

  save(): void {
    this.#saved = this.#life.file.ledger.watermark
  }

  /** Makes the receiver decide on a request, without delivering its answer yet. */
  receive(pick: number): void {
    const pending = this.#pending[pick % Math.max(1, this.#pending.length)]
    if (pending?.kind === 'request') pending.answer ??= this.#receiver.decide(pending.sent)
  }

  /** Completes one thing that the lane waits for: an answer, a write, or a timer. */
  async step(pick: number): Promise<void> {
    const index = pick % (this.#pending.length + Math.min(1, vi.getTimerCount()))
    const [pending] = Number.isNaN(index) ? [] : this.#pending.splice(index, 1)
    if (pending?.kind === 'request') this.#answer(pending)
    else if (pending) this.#store(pending)
    else vi.advanceTimersToNextTimer()
    await this.#settle()
  }

  /** Loses an answer. */
  async lose(pick: number): Promise<void> {
    const index = pick % Math.max(1, this.#pending.length)
    if (this.#pending[index]?.kind !== 'request') return
    this.receive(index)
    const [pending] = this.#pending.splice(index, 1)
    if (pending?.kind === 'request') this.#tell(pending, { kind: 'failed', reason: 'ETIMEDOUT' })
    await this.#settle()
  }

  async drain(): Promise<void> {
    const life = this.#life
    if (life.state !== 'running') return
    life.state = 'draining'
    void life.lane.drain().then(() => {
      life.state = 'drained'
    })
    await this.#settle()
  }

  /** Aborts the lane, whatever it is doing; another one continues at its watermark. */
  async restart(isReceived: boolean): Promise<void> {
    const ended = this.#life.lane.abort()
    for (const pending of this.#pending.splice(0)) {
      if (pending.kind === 'write') this.#store(pending)
      else if (isReceived) this.#answer(pending)
      else this.#tell(pending, { kind: 'failed', reason: 'aborted' })
    }
    await this.#stop(ended)
    this.#life = this.#begin(this.#life.file.ledger.watermark)
    await this.#settle()
  }

  /** As after `kill -9`: another lane continues at the last saved watermark. */
  async crash(isReceived: boolean, stored: number): Promise<void> {
    this.#life.state = 'stopped'
    const ended = this.#life.lane.abort()
    for (const pending of this.#pending.splice(0)) {
      if (pending.kind === 'request') {
        if (isReceived && !pending.answer) this.#receiver.decide(pending.sent)
        pending.resolve({ kind: 'retry', reason: 'killed' })
      } else {
        this.#box.store(pending.entries.slice(0, stored))
        pending.resolve({ kind: 'failed', stored: 0, code: '', message: 'killed' })
      }
    }
    await this.#stop(ended)
    this.#life = this.#begin(this.#saved)
    await this.#settle()
  }

  /** Checks that everything is delivered or dead-lettered once all but poison is accepted and the dead letter has room. */
  async conclude(phase: Phase, picks: () => number): Promise<void> {
    if (this.#delivery.mode === 'blocking-strict') {
      const isPoison = this.#isPoison
      this.#isPoison = (n) => isPoison(n) && this.#trail.lines[n]?.kind !== 'received'
    }
    this.turn(phase)
    this.#box.state = { kind: 'well' }
    // The lane blames the receiver for the last record it gave up until the receiver accepts something.
    for (let more = 0; more < 2; more += 1) {
      await this.write([{ kind: 'record', padding: 0, isPoison: false }], false)
      await this.#finish(picks)
    }
    await this.drain()
    for (let steps = 0; this.#life.state !== 'drained'; steps += 1) {
      if (steps > 10) throw new Error(`a drain does not end: ${this.#told}`)
      await this.step(0)
    }
    this.#expectWell()
  }

  async #finish(picks: () => number): Promise<void> {
    let most = this.#requests + this.#enoughRequests
    for (let inVain = 0; this.#life.file.ledger.watermark < this.#trail.end; ) {
      const before = this.#requests
      if (this.#life.state === 'drained') await this.restart(true)
      await this.step(picks())
      inVain = this.#requests > before || this.#pending.length > 0 ? 0 : inVain + 1
      if (inVain < MAX_TICKS_IN_VAIN && this.#requests < most) continue
      if (!this.#law.knowsNothing) throw new Error(`does not end: ${this.#told}`)
      // If nothing was ever accepted, nothing shows that a record is at fault rather than the receiver.
      this.#law.isLenient = true
      this.#isPoison = () => false
      most = this.#requests + this.#enoughRequests
      inVain = 0
    }
  }

  async close(): Promise<void> {
    vi.clearAllTimers()
    this.#violation = undefined
    if (this.#life.state === 'stopped') return
    this.#life.state = 'stopped'
    const ended = this.#life.lane.abort()
    for (const pending of this.#pending.splice(0)) {
      if (pending.kind === 'request') pending.resolve({ kind: 'retry', reason: 'over' })
      else pending.resolve({ kind: 'failed', stored: 0, code: '', message: 'over' })
    }
    await this.#stop(ended)
    vi.clearAllTimers()
  }

  /** Bound on the requests for the unsettled lines: halving, trying alone, asking. Beyond it, delivery does not end. */
  get #enoughRequests(): number {
    const { watermark } = this.#life.file.ledger
    return 80 + 6 * this.#trail.lines.filter(({ end }) => end > watermark).length
  }

  get #told(): string {
    const { lane, file } = this.#life
    const { trouble, held, inFlight, evidence } = lane.account
    const { watermark, taken } = file.ledger
    const open = this.#law.open.map(({ n }) => n)
    const { begun, accepted } = evidence
    return JSON.stringify({ watermark, taken, end: this.#trail.end, open, trouble, held, inFlight, begun, accepted })
  }

  #expectWell(): void {
    const { account } = this.#life.lane
    const { inFlight, inFlightBytes, held, trouble, failing, attemptsDue } = account
    const rest = { inFlight, inFlightBytes, held, trouble, failing: failing.size, attemptsDue: attemptsDue.size }
    const isWell = Object.values(rest).every((value) => value === 0 || value === undefined)
    if (!isWell || failingSinceMs(account) !== undefined) throw new Error(`is not well: ${JSON.stringify(rest)}`)
  }

  /** Lets the lane come to rest, then checks what it has done. */
  async #settle(): Promise<void> {
    await setImmediate()
    this.#reads = 0
    if (this.#violation !== undefined) throw this.#violation
    const { file, state } = this.#life
    this.#law.pass(file.ledger.watermark)
    if (state === 'drained') this.#expectAccount()
  }

  /** Checks that all that was taken is settled and every byte is accounted for. */
  #expectAccount(): void {
    const { ledger, settlements } = this.#life.file
    if (ledger.entries > 0) throw new Error(`is drained, but not settled: ${this.#told}`)
    const sum = (key: 'deadLetteredBytes' | 'truncatedBytes') =>
      settlements.reduce((total, settlement) => total + settlement[key], 0)
    const accounted = JSON.stringify({
      deadLetteredBytes: sum('deadLetteredBytes'),
      truncatedBytes: sum('truncatedBytes'),
    })
    const expected = JSON.stringify(this.#law.outcome)
    if (accounted !== expected) throw new Error(`accounts for ${accounted}, not for ${expected}`)
  }

  #answer(pending: Extract<Pending, { kind: 'request' }>): void {
    this.#tell(pending, pending.answer ?? this.#receiver.decide(pending.sent))
  }

  #tell({ sent, resolve }: Extract<Pending, { kind: 'request' }>, answer: Answer): void {
    const verdict = judge(answer, { delivered: webhookSuccess, sentBytes: 1, nowMs: 0 })
    this.#guard(() => this.#law.learned(sent, verdict, performance.now()))
    resolve(verdict)
  }

  #store({ entries, resolve }: Extract<Pending, { kind: 'write' }>): void {
    const written = this.#box.store(entries)
    this.#guard(() => this.#law.stored(written.kind === 'stored' ? entries : entries.slice(0, written.stored)))
    resolve(written)
  }

  #begin(position: number): Life {
    const bodies: Body[] = []
    const file = memoryFeed(this.#trail.content, originOf('/var/log/audit.log', LIMITS.maxLineBytes), position)
    const { batchMaxSize } = this.#delivery
    this.#law.live(position)
    const destination: Destination = {
      name: 'model',
      description: 'model',
      newBody: () => {
        const limits = { ...LIMITS, batchMaxSize, prefix: '[', suffix: ']' }
        const body = spareBodies.get(batchMaxSize)?.pop() ?? createJsonListBody(limits)
        bodies.push(body)
        return body
      },
      send: (request) => this.#send(life, request),
      async close() {},
    }
    const lane = createLane({
      destination,
      feed: this.#bounded(file.feed),
      delivery: this.#delivery,
      throttle: { take: async () => undefined, stop() {} },
      deadLetters: { write: (entries) => this.#write(life, entries) },
      log: silentLog,
    })
    const life: Life = { lane, file, bodies, state: 'running' }
    lane.start()
    return life
  }

  /** Stops answering a lane that reads without end, which would otherwise block the test. */
  #bounded(feed: Feed): Feed {
    return {
      ...feed,
      ready: (signal) => {
        this.#reads += 1
        if (this.#reads < MAX_READS) return feed.ready(signal)
        this.#violation ??= new Error('reads without end')
        return new Promise(() => undefined)
      },
    }
  }

  #send(life: Life, { batchId, pieces, records: count }: SendRequest): Promise<Verdict> {
    const body = Buffer.concat(pieces).toString()
    const records = (JSON.parse(body) as unknown[]).map((record) => JSON.stringify(record))
    return new Promise((resolve) => {
      const isLawful = this.#guard(() => {
        if (life.state === 'stopped') throw new Error('sends after it was stopped')
        if (records.length !== count) throw new Error(`${records.length} records, but it said ${count}`)
        const sent = this.#law.began({ batchId, body, records }, performance.now())
        this.#requests += 1
        this.#pending.push({ kind: 'request', sent, resolve })
      })
      if (!isLawful) resolve({ kind: 'retry', reason: 'against the law' })
    })
  }

  #write(life: Life, entries: readonly DeadLetterEntry[]): Promise<WriteResult> {
    return new Promise((resolve) => {
      if (life.state === 'stopped') return resolve({ kind: 'failed', stored: 0, code: '', message: 'killed' })
      this.#guard(() => this.#law.decided(entries))
      this.#pending.push({ kind: 'write', entries, resolve })
    })
  }

  /** Keeps a violation found inside the lane for the next step, which throws it. */
  #guard(watch: () => void): boolean {
    try {
      watch()
      return true
    } catch (error) {
      this.#violation ??= error
      return false
    }
  }

  async #stop(ended: Promise<void>): Promise<void> {
    let isEnded = false
    void ended.then(() => {
      isEnded = true
    })
    for (let turns = 0; !isEnded; turns += 1) {
      if (turns > 10) throw new Error(`does not stop: ${this.#told}`)
      for (const pending of this.#pending.splice(0)) if (pending.kind === 'write') this.#store(pending)
      await setImmediate()
    }
    this.#life.state = 'stopped'
    for (const body of this.#life.bodies) {
      body.reset()
      const spare = spareBodies.get(this.#delivery.batchMaxSize) ?? []
      spareBodies.set(this.#delivery.batchMaxSize, [...spare, body])
    }
    if (this.#violation !== undefined) throw this.#violation
  }
}
