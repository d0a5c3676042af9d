/** What a command may use of the process. `main.ts` creates the real one; tests create their own. */
export interface Io {
  readonly env: Environment
  readonly stdout: Output
  readonly stderr: Output
  /** The running Node executable, for starting this program again. */
  readonly nodePath: string
  /** The process's current resource use. */
  readonly vitals: () => { readonly pid: number; readonly rssBytes: number; readonly cpuSeconds: number }
  /** Calls `listener` on every SIGINT, SIGTERM and SIGHUP until the returned function is called. Without a listener, they end the process. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): () => void
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Writing never throws and never fails the command: a reader that has gone away is harmless. */
export interface Output {
  write(text: string): void
  /** Whether the reader has gone away, so that endless writers can stop. */
  readonly closed: boolean
  /** The terminal's current size; undefined if the output is not a terminal. */
  readonly terminal: { readonly columns: number; readonly rows: number } | undefined
  /** Whether the output is a terminal and neither NO_COLOR nor TERM=dumb is set. */
  readonly color: boolean
}

/** Exit codes, from sysexits.h where it has one. */
export const exitCode = {
  ok: 0,
  /** The agent answered but is not healthy; the demo's score card says FAIL; a replay left entries. */
  unhealthy: 1,
  usage: 64,
  /** The agent, or a destination, is not reachable. */
  unavailable: 69,
  /** A bug in this program. */
  software: 70,
  io: 74,
  /** Another agent uses the run path, or another replay its dead letters. */
  busy: 75,
  permission: 77,
  configuration: 78,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
