import type { Environment, Io, Output } from '../../src/io.ts'

export interface FakeIo extends Io {
  readonly stdout: RecordedOutput
  readonly stderr: RecordedOutput
  /** Sends a signal to whoever listens. */
  signal(signal: Parameters<Parameters<Io['onSignal']>[0]>[0]): void
}

interface RecordedOutput extends Output {
  readonly text: string
}

interface FakeOptions {
  readonly env?: Environment
  readonly terminal?: Output['terminal']
  /** Told of all that is written to standard output; what it returns is whether the reader has gone. */
  readonly onWrite?: (text: string) => boolean
}

export function fakeIo({ env = {}, terminal, onWrite = () => false }: FakeOptions = {}): FakeIo {
  const listeners = new Set<Parameters<Io['onSignal']>[0]>()
  return {
    env,
    stdout: recordedOutput(terminal, onWrite),
    stderr: recordedOutput(terminal, () => false),
    nodePath: process.execPath,
    vitals: () => ({ pid: process.pid, rssBytes: 0, cpuSeconds: 0 }),
    onSignal: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    signal: (signal) => {
      for (const listener of listeners) listener(signal)
    },
  }
}

function recordedOutput(terminal: Output['terminal'], onWrite: (text: string) => boolean): RecordedOutput {
  let text = ''
  let closed = false
  return {
    write: (more) => {
      text += more
      closed = onWrite(more)
    },
    get text() {
      return text
    },
    get closed() {
      return closed
    },
    terminal,
    color: terminal !== undefined,
  }
}
