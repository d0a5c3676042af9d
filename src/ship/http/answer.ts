/** The outcome of one request. */
export type Answer =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** Whether the socket had accepted the whole request by the end of the response: only then can it be a receipt. */
      readonly requestSent: boolean
      readonly retryAfter: string | undefined
      readonly location: string | undefined
      /** The beginning of the response body; it may echo the request. */
      readonly text: string
    }
  /** No complete response: the network, a timeout, or our own abort. `reason` begins with the error's code. */
  | { readonly kind: 'failed'; readonly reason: string }
