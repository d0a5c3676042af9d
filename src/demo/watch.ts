import { askStatus } from '../observe/ask-status.ts'
import type { Status } from '../observe/status.ts'
import type { Amount, Gauges, Reading } from './gauges.ts'
import type { Participants } from './participants.ts'

/** The state of the demo at one moment. */
export interface Snapshot {
  readonly written: Amount
  readonly received: Amount
  readonly reading: Reading
  readonly agentRunning: boolean
}

/** Takes a snapshot several times a second. */
export interface Watch {
  /** Whether the agent has ever answered. */
  readonly agentSeen: boolean
  /** Takes one now, without asking the agent. */
  takeSnapshot(): void
  stop(): void
}

const EVERY_MS = 250
const STATUS_TIMEOUT_MS = 1000

export function startWatch(
  participants: Participants,
  gauges: Gauges,
  onSnapshot: (snapshot: Snapshot) => void,
): Watch {
  const { writer, agent, intake, socketPath } = participants
  let timer: NodeJS.Timeout
  let stopped = false
  let agentSeen = false
  const takeSnapshot = (status?: Status): Snapshot => {
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
    onSnapshot(takeSnapshot(status))
    timer = setTimeout(() => void watch(), EVERY_MS)
  }
  timer = setTimeout(() => void watch(), EVERY_MS)
  return {
    get agentSeen() {
      return agentSeen
    },
    takeSnapshot: () => void takeSnapshot(),
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
