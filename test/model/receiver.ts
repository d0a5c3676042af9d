import type { Answer } from '../../src/ship/http/answer.ts'
import { numberOf } from './trail.ts'

/** How a receiver behaves for a while. */
export interface Phase {
  /** `loses`: takes what it is sent, and its answer is lost; `hasty`: says 200 before it has read. */
  readonly manner: 'well' | 'refuses' | 'down' | 'gone' | 'loses' | 'hasty'
  /** Of what is refused, or down. */
  readonly status: number
  readonly retryAfterSeconds: number | undefined
  /** Of a request; more is 413. */
  readonly maxBytes: number
  /** Answers 409 to a request with anything that it has. */
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

/** Takes records, or not, as its phase says; never one that is poison. */
export class Receiver {
  readonly #isPoison: (n: number) => boolean
  /** The numbers of the records it has. */
  readonly has = new Set<number>()
  #phase: Phase = WELL
  /** How often it has begun to refuse everything. */
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
