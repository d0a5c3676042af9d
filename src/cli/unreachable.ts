import { existsSync } from 'node:fs'
import { type ExitCode, exitCode } from '../io.ts'
import type { Unanswered } from '../observe/ask-status.ts'
import { printable } from '../observe/line.ts'
import { agentSocketPath } from '../run-path.ts'
import type { RunPath } from './find-run-path.ts'

/** Why no status could be obtained, and what to try. */
export interface Unreachable {
  readonly reason: string
  readonly advice: readonly string[]
  readonly exitCode: ExitCode
}

export function explainUnreachable(reply: Unanswered, runPath: RunPath): Unreachable {
  const socket = printable(runPath.socket)
  const { unavailable, permission } = exitCode
  const elsewhere = `name its run path, if it is not ${printable(runPath.path)} (from ${printable(runPath.source)}): --run-path DIR or --config FILE`
  const start = 'start it: agent run --config FILE'
  const noSocket = 'if it is running, read its log: it says when the run path cannot hold a socket'
  switch (reply.kind) {
    case 'absent': {
      const isThere = runPath.socket !== agentSocketPath(runPath.path) || existsSync(runPath.path)
      return {
        reason: isThere ? `there is no socket at ${socket}` : `the run path ${printable(runPath.path)} does not exist`,
        advice: [start, elsewhere, noSocket, 'in Kubernetes: kubectl exec into the pod of the agent on that node'],
        exitCode: unavailable,
      }
    }
    case 'stale':
      return {
        reason: `nothing listens on ${socket}: the agent that created it was killed or has crashed`,
        advice: ['read the end of its log', start, elsewhere],
        exitCode: unavailable,
      }
    case 'denied':
      return {
        reason: `permission denied: ${socket}`,
        advice: ['run this as the user the agent runs as, for example: sudo agent status'],
        exitCode: permission,
      }
    case 'silent':
      return {
        reason: `${socket} accepts connections, but no answer comes: the agent is stopped, stuck or starved of CPU`,
        advice: ['try again; look at its CPU use and its log'],
        exitCode: unavailable,
      }
    case 'failed': {
      const problem = printable(reply.problem)
      return {
        reason: problem.startsWith(socket) ? problem : `${socket}: ${problem}`,
        advice: [elsewhere],
        exitCode: unavailable,
      }
    }
  }
}

export function renderUnreachable({ reason, advice }: Unreachable): string {
  return [
    'FAIL  the agent is not running or cannot be reached',
    `  Why: ${reason}`,
    ...advice.map((line) => `  Try: ${line}`),
    '',
  ].join('\n')
}
