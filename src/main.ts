import { dispatch } from './cli/dispatch.ts'
import { exitCode, type Io, type Output } from './io.ts'

/**
 * The edge of the process: nothing else touches its arguments, environment, streams, signals or exit code. Imports almost
 * nothing, because probes start here; each command imports what it needs when it runs.
 */

const { env } = process
const stdout = output(process.stdout)
const stderr = output(process.stderr)

type SignalListener = Parameters<Io['onSignal']>[0]
const signalListeners = new Set<SignalListener>()

// PID 1 of a container has no default signal actions: without these handlers it could not be stopped while starting.
for (const [signal, number] of [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    if (signalListeners.size === 0) process.exit(128 + number)
    for (const listener of [...signalListeners]) listener(signal)
  })
}

process.on('uncaughtException', (error) => {
  // A SyntaxError quotes the parsed text, which may be log content.
  const message = error instanceof SyntaxError ? error.name : String(error)
  const frames = error instanceof Error ? (error.stack?.match(/^ {4}at .*$/gm) ?? []) : []
  stderr.write(`agent: internal error: ${[message, ...frames].join('\n')}\n`)
  process.exit(exitCode.software)
})

const io: Io = {
  env,
  stdout,
  stderr,
  nodePath: process.execPath,
  vitals: () => {
    const { user, system } = process.cpuUsage()
    return { pid: process.pid, rssBytes: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 }
  },
  onSignal: (listener) => {
    signalListeners.add(listener)
    return () => signalListeners.delete(listener)
  },
}

const code = await dispatch(process.argv.slice(2), io)
// Exits only after all output is written, which may still be queued for a pipe, and after a write error has been emitted.
process.stdout.write('', () => setImmediate(() => process.exit(stdout.failed ? exitCode.io : code)))

function output(stream: NodeJS.WriteStream): Output & { readonly failed: boolean } {
  let closed = false
  let failed = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    closed = true
    // A reader may close the pipe at any time; a full disk is a failure.
    if (error.code !== 'EPIPE') failed = true
  })
  return {
    write: (text) => {
      if (!closed && text !== '') stream.write(text)
    },
    get closed() {
      return closed
    },
    get failed() {
      return failed
    },
    get terminal() {
      return stream.isTTY ? { columns: stream.columns, rows: stream.rows } : undefined
    },
    color: stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
  }
}
