import type { Body } from './body/body.ts'
import type { Frame } from './compress.ts'

/**
 * A receiver of batches. Its lane batches, throttles, retries and isolates; a destination only knows its wire format and what
 * a response means.
 */
export interface Destination {
  readonly name: string
  /** For status and the start-up log: `datadog https://…`, without secrets. */
  readonly description: string
  /** A body of the destination's configured capacity. The lane keeps and reuses it. */
  newBody(): Body
  /** Makes one attempt. Never rejects, whatever the network or the server does, even when aborted. */
  send(request: SendRequest, signal: AbortSignal): Promise<Verdict>
  /** Checks, if the protocol can, whether the destination is reachable and accepts our requests. Nothing waits for it. */
  probe?(signal: AbortSignal): Promise<Verdict>
  close(): Promise<void>
}

export interface SendRequest {
  /** The same for every attempt of the same spans; sent as `Idempotency-Key`. */
  readonly batchId: string
  /** The encoded body, uncompressed; its pieces are sent back to back. */
  readonly pieces: readonly Uint8Array[]
  readonly records: number
  /** Kept between attempts: a retry sends the same bytes without recompressing (I6). The lane releases it after the last. */
  readonly cache: { frame?: Frame }
}

/** What a response means for the batch. `reason` is bounded and has no secrets or log content. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly sentBytes: number }
  | {
      readonly kind: 'retry'
      readonly reason: string
      readonly status?: number
      /** From Retry-After: the minimum wait before the destination's next attempt. */
      readonly retryAfterMs?: number
      /** 401 or 403: shown separately, because an operator has to act. */
      readonly unauthorized?: boolean
    }
  | { readonly kind: 'too-large'; readonly status: number; readonly reason: string }
  | { readonly kind: 'rejected'; readonly status: number; readonly reason: string }
