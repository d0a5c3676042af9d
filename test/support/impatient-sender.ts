/**
 * For tests of what stops a whole process: `fork('impatient-sender.ts', [port])` sends to a receiver of HTTP/2 on that port,
 * two requests at a time, and gives one of them up at one moment of its sending after the other. Exits with 0.
 */
import { setImmediate } from 'node:timers/promises'
import { createDestination } from '../../src/ship/destinations/create.ts'
import { datadogConfig, sendRequest } from './destination-config.ts'
import { tlsConfig } from './tls-fixtures.ts'

const config = datadogConfig(`https://127.0.0.1:${process.argv[2]}/`, { tls: tlsConfig() })
const context = { hostname: 'node-1', version: '1.2.3', maxLineBytes: 1_000_000, warn: () => undefined }
const never = new AbortController().signal
const batch = () => sendRequest('x'.repeat(100_000))

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate()
}

for (let moment = 0; moment < 50; moment += 1) {
  const destination = createDestination(config, context)
  await destination.send(sendRequest('x'), never)
  const abort = new AbortController()
  const givenUp = destination.send(batch(), abort.signal)
  await turns(moment % 5)
  const other = destination.send(batch(), never)
  await turns(Math.floor(moment / 5))
  abort.abort()
  const verdicts = await Promise.all([givenUp, other])
  if (verdicts[1].kind !== 'delivered') throw new Error(verdicts[1].reason)
  await destination.close()
}
process.exit()
