import type { DeadLetter, WriteResult } from '../dead-letter/dead-letter.ts'
import type { DeadLettering } from '../filling/batch.ts'
import type { DeliveryContext } from './delivery.ts'
import { laneLog } from './lane-log.ts'
import { waitUntil } from './waiting.ts'

/** How long a lane waits before retrying a dead letter that is full or cannot be written. */
const HOLD_MS = 5000

export function createDeadLettering(
  context: DeliveryContext,
  deadLetters: Pick<DeadLetter, 'write'>,
  { holdMs = HOLD_MS } = {},
): DeadLettering {
  const { account } = context
  const log = laneLog(context)
  return async (lines, batchId, signal) => {
    if (lines.length === 0) return true
    let rest = lines
    let isHeld = false
    try {
      for (;;) {
        const at = new Date().toISOString()
        const written = await deadLetters.write(rest.map((line) => ({ ...line, at, batchId })))
        const stored = written.kind === 'stored' ? rest.length : written.stored
        account.deadLetteredRecords += stored
        if (written.kind === 'stored') break
        rest = rest.slice(stored)
        if (!isHeld) account.held += 1
        isHeld = true
        const { reason, hint } = refusalOf(written)
        account.lastError = { atMs: Date.now(), message: `dead letter: ${reason}; ${hint}` }
        log.error('the dead letter takes no more lines: the destination waits and nothing is dropped', { reason, hint })
        if (!(await waitUntil(performance.now() + holdMs, signal))) return false
      }
    } finally {
      if (isHeld) account.held -= 1
    }
    log.warn('records are in the dead letter: agent replay --dead-letter --dry-run shows how many and why', {
      records: lines.length,
      reason: lines[0]?.reason,
    })
    return true
  }
}

/** The remedy by errno; the error's message names the path. */
const remedies = new Map([
  ['EACCES', 'let the user the agent runs as write there'],
  ['EPERM', 'let the user the agent runs as write there'],
  ['EROFS', 'mount it for writing'],
  ['ENOSPC', 'make room on its disk'],
  ['EDQUOT', 'make room in its quota'],
  ['ENOENT', 'its directory was removed, or cannot be made: restart the pod, or set another checkpoint.run_path'],
  ['ENOTDIR', 'a file stands where a directory belongs: move it away'],
  ['EEXIST', 'a file stands where a directory belongs: move it away'],
])

function refusalOf(refused: Exclude<WriteResult, { kind: 'stored' }>): { reason: string; hint: string } {
  if (refused.kind === 'failed') {
    return { reason: refused.message, hint: remedies.get(refused.code) ?? 'the agent tries again until it can' }
  }
  if (refused.kind === 'too-large') {
    const reason = `an entry of ${refused.bytes} bytes alone is more than dead_letter_max_bytes allows`
    return {
      reason,
      hint: `raise dead_letter_max_bytes to more than ${refused.bytes}: until then the destination waits`,
    }
  }
  const hint =
    'send them again with agent replay --dead-letter, remove what is not needed, or raise dead_letter_max_bytes'
  return { reason: 'it is full (dead_letter_max_bytes)', hint }
}
