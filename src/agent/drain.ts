import type { Saver } from '../checkpoint/saver.ts'
import type { Tailer } from '../tail/tailer.ts'
import type { Shipper } from './shipper.ts'

/** Upper bound for each of: ending aborted requests, the last write of the positions, closing the destinations. */
const ABORT_GRACE_MS = 3000

/** The longest a drain with this deadline takes. */
export const longestDrainMs = (deadlineMs: number): number => deadlineMs + 3 * ABORT_GRACE_MS

export interface Draining {
  readonly shippers: readonly Shipper[]
  readonly tailer: Tailer
  readonly saver: Saver
  readonly deadlineMs: number
}

/**
 * Sends what was read. At the deadline, aborts the requests in flight; their lines are read again after the next start.
 * Resolves with whether everything was settled by the deadline.
 */
export async function drain({ shippers, tailer, saver, deadlineMs }: Draining): Promise<boolean> {
  await tailer.stop()
  const clean = await within(deadlineMs, Promise.all(shippers.map(({ lane }) => lane.drain())))
  if (!clean) await within(ABORT_GRACE_MS, Promise.all(shippers.map(({ lane }) => lane.abort())))
  saver.stop()
  await within(ABORT_GRACE_MS, saver.flush())
  tailer.close()
  await within(ABORT_GRACE_MS, Promise.all(shippers.map(({ destination }) => destination.close())))
  return clean
}

async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
