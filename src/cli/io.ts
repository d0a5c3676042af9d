/** What a command may use of the process. `main.ts` makes the real one; tests make their own. */
export interface Io {
  readonly env: Environment
  readonly stdout: Output
  readonly stderr: Output
  /** The running Node, to start this program again with. */
  readonly nodePath: string
  /** What the process uses now. */
  readonly vitals: () => { readonly pid: number; readonly rssBytes: number; readonly cpuSeconds: number }
  /** Calls `listener` on every SIGINT and SIGTERM until the function it returned is called. Without a listener, they end the process. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Writing never throws and never fails the command: a reader that went away is harmless. */
export interface Output {
  write(text: string): void
  /** The reader went away: whoever would write without end can stop. */
  readonly closed: boolean
  /** The size of the terminal it is, undefined when it is none. Read again after a resize. */
  readonly terminal: { readonly columns: number; readonly rows: number } | undefined
  /** A terminal, and neither NO_COLOR nor TERM=dumb is set. */
  readonly color: boolean
}

/** Exit codes, as in sysexits.h where it has one. */
export const exitCode = {
  ok: 0,
  /** The agent answered, and is not healthy; the demo's score card says FAIL; a replay left something. */
  unhealthy: 1,
  usage: 64,
  /** The agent, or a destination, is not reachable. */
  unavailable: 69,
  /** A bug in this program. */
  software: 70,
  io: 74,
  /** Another agent works on the run path, or another replay on its dead letters. */
  busy: 75,
  permission: 77,
  configuration: 78,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
