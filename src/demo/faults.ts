import { basename } from 'node:path'
import type { Agent } from './agent.ts'
import { count, countOf } from './format.ts'
import type { Intake } from './intake.ts'
import type { Kill } from './scorecard.ts'
import type { Screen } from './screen.ts'
import type { Waits } from './waits.ts'
import type { Writer } from './writer.ts'

/** What the faults act on. */
export interface FaultContext extends Waits {
  readonly writer: Writer
  readonly intake: Intake
  readonly agent: Agent
  readonly announce: Screen['announce']
  /** How long the writer runs; every fault takes a share of it. */
  readonly writingMs: number
  readonly kills: Kill[]
  /** Announced events that did not happen. */
  readonly problems: string[]
  /** Resolves when this share of the writing time has passed. */
  reach(share: number): Promise<void>
}

const MAX_WAIT_MS = 10_000

/** Everything that goes wrong in a minute of the demo, in order. */
export async function injectFaults(context: FaultContext): Promise<void> {
  await context.reach(0.1)
  await outage(context)
  await context.reach(0.32)
  await tooManyRequests(context)
  await context.reach(0.46)
  await lostReply(context)
  await context.reach(0.56)
  await killAgent(context)
  await context.reach(0.86)
  await tornLine(context)
  await context.reach(1)
}

async function outage({ intake, writer, announce, pause, writingMs }: FaultContext): Promise<void> {
  announce('outage', 'The intake is down and refuses connections. The agent waits: the log is its buffer.')
  await intake.goDown()
  await pause(Math.min(5000, writingMs * 0.12))
  const waiting = writer.written.lines.size - intake.received.arrivals.size
  await intake.comeBack()
  announce('recovered', `The intake is back. ${countOf(waiting, 'event')} waited on disk.`)
}

async function tooManyRequests({ intake, announce, pause, writingMs }: FaultContext): Promise<void> {
  const retryAfterSeconds = writingMs < 15_000 ? 1 : 2
  announce('429', `The intake answers 429 with Retry-After: ${retryAfterSeconds}. The agent must not retry sooner.`)
  intake.throttle(retryAfterSeconds)
  await pause(retryAfterSeconds * 1000)
  const { throttled } = intake.received
  announce('recovered', `The intake accepts requests again. It refused ${countOf(throttled, 'request')} meanwhile.`)
}

async function lostReply({ intake, announce, until, problems }: FaultContext): Promise<void> {
  announce('lost reply', 'The intake accepts a batch, but its reply is lost: the agent cannot know that it arrived.')
  intake.loseNextReply()
  const lost = () => intake.received.requests.find((request) => request.reply === 'lost')
  await until(() => lost() !== undefined, MAX_WAIT_MS)
  const again = () => intake.received.requests.filter(({ batchId }) => batchId === lost()?.batchId).length > 1
  if (await until(again, MAX_WAIT_MS)) {
    announce('recovered', 'The agent sent the batch again under the same id, so a receiver can drop the copy.')
  } else problems.push('the batch whose reply was lost was not sent again')
}

async function killAgent(context: FaultContext): Promise<void> {
  const { agent, intake, writer, announce, pause, until, writingMs, kills } = context
  intake.slowDown(500)
  await until(() => intake.unanswered > 0, MAX_WAIT_MS)
  announce(
    'kill -9',
    `The agent is killed with ${countOf(intake.unanswered, 'batch', 'batches')} in flight, without a chance to save anything.`,
  )
  const storedAtMs = await agent.kill()
  intake.slowDown(0)
  const downMs = Math.min(4000, writingMs * 0.1)
  writer.rotate()
  await pause(downMs / 2)
  writer.rotate()
  await pause(downMs / 2)
  kills.push({ storedAtMs, restartedAtMs: performance.now() })
  agent.start()
  announce('recovered', 'A new agent resumes from the stored positions, in files that have been rotated since.')
}

async function tornLine({ writer, announce, pause }: FaultContext): Promise<void> {
  await writer.crash()
  const torn = writer.written.torn.at(-1)
  const extent = torn ? `after ${count(torn.bytes)} of ${count(torn.ofBytes)} bytes of an event` : 'in an event'
  announce('torn line', `The writer crashes ${extent}, leaving an incomplete line.`)
  await pause(500)
  writer.start()
  announce('recovered', 'The next writer appends its first event to that same line. The event must still arrive.')
}

/** Announces rotations, and explains the first. */
export function createRotationNotice(announce: Screen['announce']): (backup: string) => void {
  let explained = false
  return (backup) => {
    const renamed = `audit.log → ${basename(backup)}`
    announce('rotation', explained ? renamed : `${renamed}. The agent reads it to its end first.`)
    explained = true
  }
}
