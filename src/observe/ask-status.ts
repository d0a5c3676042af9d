import { parseJsonObject } from '../json.ts'
import { askAgent, type Reply, unknownAnswer } from './agent-socket.ts'
import type { Status } from './status.ts'

export type Unanswered = Exclude<Reply, { kind: 'answer' }>

/** Asks the running agent for its status. `failed` includes an answer of another version of the contract. */
export async function askStatus(
  socketPath: string,
  timeoutMs?: number,
): Promise<{ readonly kind: 'status'; readonly status: Status } | Unanswered> {
  const reply = await askAgent(socketPath, '/status', timeoutMs)
  if (reply.kind !== 'answer') return reply
  const status = reply.code === 200 ? parseJsonObject(reply.body) : undefined
  if (isStatus(status)) return { kind: 'status', status }
  return { kind: 'failed', problem: unknownAnswer(reply.code) }
}

/** Trusts the agent with the shape; checks only the version of the contract. */
function isStatus(value: object | undefined): value is Status {
  return value !== undefined && 'schema' in value && value.schema === 'tailship.status/v1'
}
