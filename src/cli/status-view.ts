import { renderStatus, type StatusSection } from '../observe/render.ts'
import { agentSocketPath } from '../observe/socket-path.ts'
import type { Status } from '../observe/status.ts'
import { askAgent, type Reply } from './agent-socket.ts'
import { type ExitCode, exitCode } from './io.ts'
import { describePositions, readPositions, renderPositions } from './positions.ts'
import type { RunPath } from './run-path.ts'
import { explainUnreachable, renderUnreachable } from './unreachable.ts'

/** `json` is indented, `json-line` is one line. */
export type StatusFormat = 'text' | 'json' | 'json-line'

export interface ViewOptions {
  readonly runPath: RunPath
  readonly format: StatusFormat
  readonly sections: readonly StatusSection[]
}

const timeoutMs = 3000

/** What the agent says of itself, or why it says nothing. */
export type Asked =
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'unreachable'; readonly reply: Exclude<Reply, { kind: 'answer' }> }

/** One view of an agent: what to print where, and how to exit. */
export interface View {
  readonly out: string
  readonly err: string
  readonly exitCode: ExitCode
}

/** Exit code 0 means healthy: the agent is alive and ready. */
export async function viewStatus(options: ViewOptions): Promise<View> {
  const asked = await askStatus(options.runPath.path)
  if (asked.kind === 'unreachable') return viewOffline(asked.reply, options)
  const { live, ready } = asked.status.health
  const healthy = live.ok && ready.ok
  const out =
    options.format === 'text' ? renderStatus(asked.status, options.sections) : json(asked.status, options.format)
  return { out, err: '', exitCode: healthy ? exitCode.ok : exitCode.unhealthy }
}

export async function askStatus(runPath: string): Promise<Asked> {
  const reply = await askAgent(agentSocketPath(runPath), '/status', timeoutMs)
  if (reply.kind !== 'answer') return { kind: 'unreachable', reply }
  const status = reply.code === 200 ? parseStatus(reply.body) : undefined
  if (status !== undefined) return { kind: 'status', status }
  return {
    kind: 'unreachable',
    reply: {
      kind: 'failed',
      problem: `an answer this program does not know (HTTP ${reply.code}): is the agent another version?`,
    },
  }
}

/** The agent is the one that checks its status; here only the version of the contract is. */
function parseStatus(body: string): Status | undefined {
  try {
    const status: Status = JSON.parse(body)
    return status?.schema === 'tailship.status/v1' ? status : undefined
  } catch {
    return undefined
  }
}

async function viewOffline(reply: Exclude<Reply, { kind: 'answer' }>, options: ViewOptions): Promise<View> {
  const unreachable = explainUnreachable(reply, options.runPath)
  const positions = await readPositions(options.runPath.path)
  const err = renderUnreachable(unreachable)
  if (options.format === 'text')
    return { out: renderPositions(positions, Date.now()), err, exitCode: unreachable.exitCode }
  const offline = {
    schema: 'tailship.offline/v1',
    reason: unreachable.reason,
    advice: unreachable.advice,
    checkpoint: describePositions(positions),
  }
  return { out: json(offline, options.format), err, exitCode: unreachable.exitCode }
}

function json(value: unknown, format: 'json' | 'json-line'): string {
  return `${JSON.stringify(value, undefined, format === 'json' ? 2 : undefined)}\n`
}
