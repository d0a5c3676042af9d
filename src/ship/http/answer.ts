/** What came of one request. */
export type Answer =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** The socket had taken all of the request when the answer came to its end: only then can it be a receipt. */
      readonly requestSent: boolean
      readonly retryAfter: string | undefined
      readonly location: string | undefined
      /** The beginning of the response body; it may repeat what was sent. */
      readonly text: string
    }
  /** No complete answer: the network, a timeout, or our own abort. `reason` begins with the error's code. */
  | { readonly kind: 'failed'; readonly reason: string }
