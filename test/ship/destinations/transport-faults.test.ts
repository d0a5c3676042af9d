import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createDestination } from '../../../src/ship/destinations/create.ts'
import { datadogConfig, sendRequest, withTimeout } from '../../support/destination-config.ts'
import { type HostileIntake, startIntake } from '../../support/hostile-intake.ts'
import type { Fault } from '../../support/intake-faults.ts'

const context = { hostname: 'node-1', version: '1.2.3', maxLineBytes: 1_000_000, warn: () => undefined }
const never = new AbortController().signal
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function against(script: readonly (Fault | undefined)[], timeoutMs = 10_000) {
  const intake = await startIntake({ script })
  const destination = createDestination(withTimeout(datadogConfig(intake.url), timeoutMs), context)
  cleanups.push(
    () => destination.close(),
    () => intake.close(),
  )
  return { intake, destination }
}

describe('a server that does not answer as it should', () => {
  const rows: readonly [Fault, string][] = [
    [{ kind: 'reset', at: 'headers' }, 'ECONNRESET'],
    [{ kind: 'reset', at: 'body' }, 'ECONNRESET'],
    [{ kind: 'reset', at: 'answer' }, 'ECONNRESET'],
    [{ kind: 'lost-reply' }, 'ECONNRESET'],
    [{ kind: 'half-close' }, 'UND_ERR_SOCKET'],
    [{ kind: 'garbage' }, 'HTTPParserError: '],
    [{ kind: 'partial-headers' }, ''],
    [{ kind: 'partial-body' }, ''],
    [{ kind: 'silence' }, 'timeout'],
    [{ kind: 'slow-loris' }, 'timeout'],
    [{ kind: 'endless', pace: 'slow' }, 'timeout'],
    [{ kind: 'endless', pace: 'fast' }, 'endless answer'],
  ]
  for (const [fault, reason] of rows) {
    const name = Object.values(fault).join(', ')
    it(`is retried: ${name}`, async () => {
      const slow = reason === 'timeout'
      const { intake, destination } = await against([fault], slow ? 100 : 10_000)
      const verdict = await destination.send(sendRequest(`["${'x'.repeat(1_000_000)}"]`), never)
      expect(verdict).toEqual({ kind: 'retry', reason: expect.stringContaining(reason) })
      expect(await destination.send(sendRequest('["y"]'), never)).toMatchObject({ kind: 'delivered' })
    })
  }
})
