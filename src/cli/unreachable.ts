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
  const elsewhere = `the run path ${printable(runPath.path)} comes from ${printable(runPath.source)}; if the agent has another: --run-path DIR or --config FILE`
  const start = 'start it: agent run --config FILE'
  switch (reply.kind) {
    case 'absent': {
      const isThere = runPath.socket !== agentSocketPath(runPath.path) || existsSync(runPath.path)
      const missing = isThere ? 'there is no socket' : 'the run path does not exist'
      return {
        reason: `${missing}: ${socket}`,
        advice: [start, elsewhere, 'in Kubernetes: kubectl exec into the pod of the agent on that node'],
        exitCode: unavailable,
      }
    }
    case 'stale':
      return {
        reason: `nobody listens on ${socket}: the agent that made it was killed or crashed`,
        advice: ['its last words: the end of its log', start, elsewhere],
        exitCode: unavailable,
      }
    case 'denied':
      return {
        reason: `permission denied: ${socket}`,
        advice: ['ask as the user the agent runs as: sudo agent status'],
        exitCode: permission,
      }
    case 'silent':
      return {
        reason: `${socket} is listened on, and no answer comes: the agent is stopped, stuck or starved of CPU`,
        advice: ['try again; see its CPU use and its log'],
        exitCode: unavailable,
      }
    case 'failed':
      return { reason: `${socket}: ${printable(reply.problem)}`, advice: [elsewhere], exitCode: unavailable }
  }
}

export function renderUnreachable({ reason, advice }: Unreachable): string {
  return [
    'FAIL  the agent is not running, or not reachable',
    `  Why: ${reason}`,
    ...advice.map((line) => `  Try: ${line}`),
    '',
  ].join('\n')
}
