import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Cleanup } from '../src/demo/cleanup.ts'
import { threadSecondsOf } from './process-figures.ts'
import type { SinkFigures } from './sink.ts'

/** Starts a program of this folder that does not outlive the benchmark. */
function forkProgram(name: string, args: readonly string[], cleanup: Cleanup): ChildProcess {
  const path = fileURLToPath(new URL(name, import.meta.url))
  const child = fork(path, args, { detached: true, execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  cleanup.watch(child)
  return child
}

async function nextMessage<T>(child: ChildProcess, name: string): Promise<T> {
  const ended = new AbortController()
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`${name} ended with ${code}`)
  })
  try {
    const [message] = await Promise.race([once(child, 'message'), exit])
    return message as T
  } finally {
    exit.catch(() => undefined)
    ended.abort()
  }
}

/** Runs a program that sends one result and exits; resolves with the result. */
export async function runProgram<T>(name: string, args: readonly string[], cleanup: Cleanup): Promise<T> {
  const child = forkProgram(name, args, cleanup)
  const exit = once(child, 'exit')
  const result = await nextMessage<T>(child, name)
  await exit
  return result
}

export interface Sink {
  readonly port: number
  /** CPU time it has used so far. */
  cpuSeconds(): number
  /** Counted since the last reset. */
  figures(): Promise<SinkFigures>
  reset(): Promise<void>
}

export async function startSink(cleanup: Cleanup): Promise<Sink> {
  const child = forkProgram('sink.ts', [], cleanup)
  const { port } = await nextMessage<SinkFigures>(child, 'the sink')
  const ask = (question: 'figures' | 'reset') => {
    child.send(question)
    return nextMessage<SinkFigures>(child, 'the sink')
  }
  return {
    port,
    cpuSeconds: () => threadSecondsOf(child.pid ?? 0),
    figures: () => ask('figures'),
    async reset() {
      await ask('reset')
    },
  }
}
