/**
 * The agent's own log, as seen by the code that writes to it. Fields are names, paths, counts and bounded messages: never
 * the content of a tailed log, never a secret.
 *
 * A record with a `key` is rate-limited: of the records that share a key, one per 30 s is written, with the number left out
 * as `suppressed`. Give a key to anything that external causes can repeat, for example `open:/var/log/audit.log`.
 */
export interface Log {
  /** Every step; off by default. */
  trace(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  /** Something is wrong, but nothing is lost. */
  warn(fields: LogFields, message: string): void
  /** Something is lost, or an operator has to act. */
  error(fields: LogFields, message: string): void
}

export interface LogFields {
  readonly key?: string
  /** Logged as name, code and a bounded message, without its other properties. */
  readonly err?: unknown
  readonly [field: string]: unknown
}
