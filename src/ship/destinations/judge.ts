import { STATUS_CODES } from 'node:http'
import type { Verdict } from '../destination.ts'
import type { Answer } from '../http/answer.ts'
import { parseRetryAfter } from './retry-after.ts'

export interface Judgement {
  /** Which status codes mean that the batch has arrived. */
  readonly delivered: (status: number) => boolean
  /** Bytes on the wire, for the verdict. */
  readonly sentBytes: number
  readonly nowMs: number
}

/** The Datadog intake answers 202. */
export const anySuccess = (status: number): boolean => status >= 200 && status <= 299
/** What kube-apiserver's webhook client counts as success. */
export const webhookSuccess = (status: number): boolean => status >= 200 && status <= 206

/** 4xx codes that say nothing about the batch: proxy authentication required, timeout, too early, too many requests. */
const TRANSIENT = new Set([407, 408, 425, 429])

/** Returns what a response means for the batch. The response must be presentable: its text goes into the reason. */
export function judge(answer: Answer, { delivered, sentBytes, nowMs }: Judgement): Verdict {
  if (answer.kind === 'failed') return { kind: 'retry', reason: answer.reason }
  const { status } = answer
  if (delivered(status)) {
    return answer.requestSent ? { kind: 'delivered', sentBytes } : { kind: 'retry', status, reason: tooEarly(status) }
  }
  const reason = describe(answer)
  if (status === 413) return { kind: 'too-large', status, reason }
  const unauthorized = status === 401 || status === 403
  if (status >= 400 && status <= 499 && !unauthorized && !TRANSIENT.has(status))
    return { kind: 'rejected', status, reason }
  const retryAfterMs = parseRetryAfter(answer.retryAfter, nowMs)
  return {
    kind: 'retry',
    status,
    reason,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(unauthorized ? { unauthorized } : {}),
  }
}

/** The reason if a receiver responds too early: the connection ends with the response, so it cannot read the rest. */
function tooEarly(status: number): string {
  return `HTTP ${status} came before the whole request was sent, so it cannot be a receipt: let the receiver read the request before it answers, or set a smaller batch_max_bytes`
}

function describe({ status, location, text }: Extract<Answer, { kind: 'answered' }>): string {
  const name = STATUS_CODES[status] === undefined ? '' : ` ${STATUS_CODES[status]}`
  const quotation = text === '' ? '' : `: ${text}`
  if (status < 300 || status > 399) return `HTTP ${status}${name}${quotation}`
  const to = location === undefined ? '' : ` to ${location}`
  return `HTTP ${status}${name}: redirects${to} are not followed, configure the final address`
}
