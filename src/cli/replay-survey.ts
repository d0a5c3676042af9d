import type { Config, DestinationConfig } from '../config/config.ts'
import { deadLetterPath } from '../run-path.ts'
import type { DeadLetterEntry } from '../ship/dead-letter/entry.ts'
import { readDeadLetter } from '../ship/dead-letter/reading.ts'
import { appendEntry } from '../ship/delivery/unsendable.ts'
import { configuredDestination } from '../ship/destinations/create.ts'
import { type SystemError, systemError } from '../system/system-error.ts'
import { readVersion } from '../version.ts'
import { originsOf } from './dead-letter-origins.ts'
import { countReason, type Reasons } from './reasons.ts'

/** The contents of one destination's dead letter. */
export interface Survey {
  readonly destination: string
  /** Records that would be sent, by the reason they are there. */
  readonly sendable: Reasons
  /** Records that cannot be sent, and so would stay, by reason. */
  readonly kept: Reasons
  /** Lines that are damaged or of another format. */
  readonly unreadable: number
  readonly fault: SystemError | undefined
}

/** Changes nothing and uses no network. */
export async function surveyOne(config: Config, destinationConfig: DestinationConfig): Promise<Survey> {
  const originOf = originsOf(config)
  const { name } = destinationConfig
  const destination = configuredDestination(destinationConfig, config, { version: readVersion(), warn() {} })
  const body = destination.newBody()
  const sendable = new Map<string, number>()
  const kept = new Map<string, number>()
  let unreadable = 0
  function survey(fault: SystemError | undefined): Survey {
    return { destination: name, sendable, kept, unreadable, fault }
  }

  function count(entry: DeadLetterEntry): void {
    body.reset()
    const result = appendEntry(body, entry, originOf(entry))
    if (typeof result === 'object') countReason(kept, result.unsendable)
    else countReason(sendable, entry.reason)
  }

  try {
    for await (const entry of readDeadLetter(deadLetterPath(config.checkpoint.runPath, name))) {
      if (entry === undefined) unreadable += 1
      else count(entry)
    }
    return survey(undefined)
  } catch (error) {
    return survey(systemError(error))
  } finally {
    await destination.close()
  }
}
