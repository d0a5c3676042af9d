import type { Answer } from '../../src/ship/http/answer.ts'
import { numberOf } from './trail.ts'

/** How the receiver behaves for some time. */
export interface Phase {
  /** `loses`: accepts, but its answer is lost; `hasty`: answers 200 before it has read the request. */
  readonly manner: 'well' | 'refuses' | 'down' | 'gone' | 'loses' | 'hasty'
  /** The answer when it refuses or is down. */
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  /** Limit for a request; a larger one gets 413. */
  readonly maxBytes: number
  /** Whether it answers 409 to a request with a record it already has. */
  readonly isUnique: boolean
}

export interface Asked {
  readonly batchId: string
  readonly body: string
  readonly records: readonly string[]
}

export const WELL: Phase = {
  manner: 'well',
  status: 0,
  retryAfterSeconds: undefined,
  maxBytes: Number.POSITIVE_INFINITY,
  isUnique: false,
}

/** Accepts or refuses requests according to its phase; never accepts poison. */
export class Receiver {
  readonly #isPoison: (n: number) => boolean
  /** Numbers of the records it has accepted. */
  readonly has = new Set<number>()
  #phase: Phase = WELL
  /** Number of times it has begun to refuse everything. */
  breaks = 0

  constructor(isPoison: (n: number) => boolean) {
    this.#isPoison = isPoison
  }

  get phase(): Phase {
    return this.#phase
  }

  set phase(phase: Phase) {
    if (phase.manner === 'refuses' && this.#phase.manner !== 'refuses') this.breaks += 1
    this.#phase = phase
  }

  decide({ body, records }: Asked): Answer {
    const { manner, status, retryAfterSeconds, maxBytes, isUnique } = this.#phase
    if (manner === 'gone') return { kind: 'failed', reason: 'ECONNREFUSED' }
    if (manner === 'refuses') return answered(status)
    if (manner === 'down') return { ...answered(status), retryAfter: retryAfterSeconds?.toString() }
    if (body.length > maxBytes) return answered(413)
    const numbers = records.map(numberOf)
    if (numbers.some(this.#isPoison)) return answered(400)
    if (isUnique && numbers.some((n) => this.has.has(n))) return answered(409)
    if (manner === 'hasty') return { ...answered(200), requestSent: false }
    for (const n of numbers) this.has.add(n)
    return manner === 'loses' ? { kind: 'failed', reason: 'ECONNRESET' } : answered(200)
  }
}

function answered(status: number): Extract<Answer, { kind: 'answered' }> {
  return { kind: 'answered', status, requestSent: true, retryAfter: undefined, location: undefined, text: '' }
}
