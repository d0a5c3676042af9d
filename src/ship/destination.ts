import type { Body } from './body/body.ts'
import type { Frame } from './compress.ts'

/**
 * A place batches are sent to. The lane that owns it batches, throttles, retries and isolates; a destination only
 * knows its wire format and what an answer means.
 */
export interface Destination {
  readonly name: string
  /** For status and the start-up log: `datadog https://…`, without secrets. */
  readonly description: string
  /** A body with the capacity the destination was made for. The lane keeps and reuses it. */
  newBody(): Body
  /** One attempt. Resolves for everything the network or the server may do; never rejects, also when aborted. */
  send(request: SendRequest, signal: AbortSignal): Promise<Verdict>
  /** Whether the place can be reached and lets us in, where its protocol has a way to ask; to be shown, not waited for. */
  probe?(signal: AbortSignal): Promise<Verdict>
  close(): Promise<void>
}

export interface SendRequest {
  /** Stable over every attempt of the same spans; sent as `Idempotency-Key`. */
  readonly batchId: string
  /** The encoded body, uncompressed; its pieces are sent back to back. */
  readonly pieces: readonly Uint8Array[]
  readonly records: number
  /**
   * Kept by the lane between attempts, so that a retry sends the same bytes without compressing again (I6), and released
   * after the last.
   */
  readonly cache: { frame?: Frame }
}

/** What an answer means for the batch. Text in `reason` is bounded, has no secrets and no log content. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly sentBytes: number }
  | {
      readonly kind: 'retry'
      readonly reason: string
      readonly status?: number
      /** Retry-After as a floor for the destination's next attempt. */
      readonly retryAfterMs?: number
      /** 401 or 403: shown apart, because an operator has to act. */
      readonly unauthorized?: boolean
    }
  | { readonly kind: 'too-large'; readonly status: number; readonly reason: string }
  | { readonly kind: 'rejected'; readonly status: number; readonly reason: string }
