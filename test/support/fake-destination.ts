import type { Body } from '../../src/ship/body/body.ts'
import type { BodyLimits } from '../../src/ship/body/format.ts'
import { createJsonListBody } from '../../src/ship/body/json-list-body.ts'
import type { Destination, SendRequest, Verdict } from '../../src/ship/destination.ts'

export interface SentRequest {
  readonly batchId: string
  readonly body: string
  readonly records: readonly string[]
}

/** A destination whose answers the test determines. Bodies are JSON lists. */
export function fakeDestination(
  answer: (request: SentRequest, attempt: number) => Verdict | Promise<Verdict>,
  limits: BodyLimits,
  probe?: Destination['probe'],
) {
  const requests: SentRequest[] = []
  const delivered: string[] = []
  let bodies = 0
  let underWay = 0
  let peak = 0
  const destination: Destination = {
    name: 'fake',
    description: 'fake',
    newBody(): Body {
      bodies += 1
      return createJsonListBody({ ...limits, prefix: '[', suffix: ']' })
    },
    async send(request: SendRequest, signal: AbortSignal): Promise<Verdict> {
      underWay += 1
      peak = Math.max(peak, underWay)
      const body = Buffer.concat(request.pieces).toString()
      const records = (JSON.parse(body) as unknown[]).map((record) => JSON.stringify(record))
      const seen = { batchId: request.batchId, body, records }
      requests.push(seen)
      const verdict = signal.aborted ? aborted : await answer(seen, requests.length)
      if (verdict.kind === 'delivered') delivered.push(...records)
      underWay -= 1
      return verdict
    },
    ...(probe && { probe }),
    async close() {},
  }
  return {
    destination,
    requests,
    delivered,
    get bodies() {
      return bodies
    },
    get peakInFlight() {
      return peak
    },
  }
}

const aborted: Verdict = { kind: 'retry', reason: 'aborted' }
export const ok: Verdict = { kind: 'delivered', sentBytes: 1 }
export const busy: Verdict = { kind: 'retry', reason: '503', status: 503 }
export const refused: Verdict = { kind: 'rejected', reason: '400', status: 400 }
export const tooLarge: Verdict = { kind: 'too-large', reason: '413', status: 413 }
