import { askAgent } from '../observe/agent-socket.ts'
import type { Status } from '../observe/status.ts'

/** Asks a running agent for its status. Undefined if there is no answer, not in time, or not under this contract. */
export async function fetchStatus(socketPath: string, timeoutMs: number): Promise<Status | undefined> {
  const reply = await askAgent(socketPath, '/status', timeoutMs)
  return reply.kind === 'answer' && reply.code === 200 ? parseStatus(reply.body) : undefined
}

function parseStatus(text: string): Status | undefined {
  try {
    const status: Partial<Status> | null = JSON.parse(text)
    return status?.schema === 'tailship.status/v1' ? (status as Status) : undefined
  } catch {
    return undefined
  }
}
