import { connect } from 'node:net'
import { socketPathProblem } from './socket-path.ts'

/** The outcome of asking the agent. */
export type Reply =
  | { readonly kind: 'answer'; readonly code: number; readonly body: string }
  /** There is no socket. */
  | { readonly kind: 'absent' }
  /** The socket exists, but nothing listens on it. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'denied' }
  /** Something listens but does not answer in time, or its connection queue is full. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly problem: string }

const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/**
 * Sends one GET over a unix socket. HTTP/1.0, where the end of the connection ends the response, takes twenty lines;
 * `node:http` would cost a probe 65 ms of CPU and 16 MB of memory (Node 26), as much as the rest of the process.
 */
export function askAgent(socketPath: string, page: string, timeoutMs = 3000): Promise<Reply> {
  const impossible = socketPathProblem(socketPath)
  if (impossible !== undefined) return Promise.resolve({ kind: 'failed', problem: impossible })
  const { promise, resolve } = Promise.withResolvers<Reply>()
  const socket = connect(socketPath)
  const timer = setTimeout(() => resolve({ kind: 'silent' }), timeoutMs)
  const chunks: Buffer[] = []
  let length = 0
  socket
    .on('connect', () => socket.write(`GET ${page} HTTP/1.0\r\nHost: agent\r\n\r\n`))
    .on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length > MAX_ANSWER_BYTES)
        resolve({ kind: 'failed', problem: `the answer is longer than ${MAX_ANSWER_BYTES} bytes` })
    })
    .on('end', () => resolve(parseAnswer(Buffer.concat(chunks).toString())))
    .on('error', (error) => resolve(failure(error)))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

/** The problem with an answer that is not understood; `code` is its HTTP status. */
export function unknownAnswer(code: number): string {
  return `an answer this program does not know (HTTP ${code}): is the agent another version?`
}

function parseAnswer(text: string): Reply {
  const head = /^HTTP\/1\.[01] (\d{3}) /.exec(text)
  const end = text.indexOf('\r\n\r\n')
  if (head?.[1] === undefined || end < 0) return { kind: 'failed', problem: 'what listens there does not speak HTTP' }
  return { kind: 'answer', code: Number(head[1]), body: text.slice(end + 4) }
}

function failure(error: NodeJS.ErrnoException): Reply {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { kind: 'absent' }
    case 'ECONNREFUSED':
      return { kind: 'stale' }
    case 'EACCES':
    case 'EPERM':
      return { kind: 'denied' }
    case 'EAGAIN':
      return { kind: 'silent' }
    default:
      return { kind: 'failed', problem: error.message }
  }
}
