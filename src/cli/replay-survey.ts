import type { Config, DestinationConfig } from '../config/config.ts'
import { readDeadLetter } from '../ship/dead-letter-reading.ts'
import { obstacleTo } from '../ship/obstacle.ts'
import { type SystemError, systemError } from '../system-error.ts'
import { deadLetterOf, originsOf } from './dead-letter-origins.ts'
import { countReason, type Reasons } from './reasons.ts'

/** What the dead letter of one destination holds. */
export interface Survey {
  readonly destination: string
  /** Records that would be sent, by the reason why they are there. */
  readonly sendable: Reasons
  /** Records that would stay whatever the destination says, by the reason why. */
  readonly kept: Reasons
  /** Lines that are damaged or of another format. */
  readonly unreadable: number
  readonly fault: SystemError | undefined
}

/** Changes nothing and uses no network. */
export async function surveyOne(config: Config, destination: DestinationConfig): Promise<Survey> {
  const originOf = originsOf(config)
  const sendable = new Map<string, number>()
  const kept = new Map<string, number>()
  let unreadable = 0
  const survey = (fault: SystemError | undefined) => ({
    ...{ destination: destination.name, sendable, kept, unreadable, fault },
  })
  try {
    for await (const entry of readDeadLetter(deadLetterOf(config, destination))) {
      const obstacle = entry && obstacleTo(entry, originOf(entry))
      if (entry === undefined) unreadable += 1
      else if (obstacle !== undefined) countReason(kept, obstacle)
      else countReason(sendable, entry.reason)
    }
    return survey(undefined)
  } catch (error) {
    return survey(systemError(error))
  }
}
