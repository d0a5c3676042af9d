import { askStatus } from '../observe/ask-status.ts'
import type { Status } from '../observe/status.ts'
import type { Cast } from './cast.ts'
import type { Amount, Gauges, Reading } from './gauges.ts'

/** What is visible at one moment. */
export interface Look {
  readonly written: Amount
  readonly received: Amount
  readonly reading: Reading
  readonly agentRunning: boolean
}

/** Samples everything several times a second. */
export interface Watch {
  /** Whether the agent has ever answered. */
  readonly agentSeen: boolean
  /** Takes one more sample, without asking the agent. */
  look(): void
  stop(): void
}

const EVERY_MS = 250
const STATUS_TIMEOUT_MS = 1000

export function startWatch(cast: Cast, gauges: Gauges, onLook: (look: Look) => void): Watch {
  const { writer, agent, intake, socketPath } = cast
  let timer: NodeJS.Timeout
  let stopped = false
  let agentSeen = false
  const look = (status?: Status): Look => {
    const written = { events: writer.written.lines.size, bytes: writer.written.bytes }
    const received = { events: intake.received.arrivals.size, bytes: intake.received.bytes }
    const reading = gauges.note({ atMs: performance.now(), written, received, status })
    return { written, received, reading, agentRunning: agent.running }
  }
  const watch = async () => {
    const reply = agent.running ? await askStatus(socketPath, STATUS_TIMEOUT_MS) : undefined
    const status = reply?.kind === 'status' ? reply.status : undefined
    if (stopped) return
    agentSeen ||= status !== undefined
    onLook(look(status))
    timer = setTimeout(() => void watch(), EVERY_MS)
  }
  timer = setTimeout(() => void watch(), EVERY_MS)
  return {
    get agentSeen() {
      return agentSeen
    },
    look: () => void look(),
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
