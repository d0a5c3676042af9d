import { expect, test } from 'vitest'
import type { DestinationConfig } from '../../src/config/config.ts'
import { createLane } from '../../src/ship/lane.ts'
import { datadogConfig, webhookConfig } from '../support/destination-config.ts'
import { closeAfterEach, openDestination, openIntake } from '../support/destinations.ts'
import type { HostileIntake } from '../support/hostile-intake.ts'
import { memoryFeed } from '../support/memory-feed.ts'
import { silentLog } from '../support/tail-rig.ts'
import { until } from '../support/until.ts'

closeAfterEach()

const event = (auditID: string, padding: number) =>
  JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID,
    stage: 'ResponseComplete',
    requestObject: { data: 'x'.repeat(padding) },
    responseObject: { data: 'y"\\'.repeat(padding) },
    stageTimestamp: '2026-11-20T14:33:45.420123Z',
    annotations: { a: 'b' },
  })
const delivery = {
  ...datadogConfig('http://127.0.0.1').delivery,
  batchMaxSize: 4,
  batchMaxWaitMs: 0,
  initialBackoffMs: 1,
}

const formats: readonly [string, (url: string) => DestinationConfig, (record: unknown) => unknown][] = [
  ['webhook', (url) => webhookConfig(url, { delivery }), (record) => record],
  [
    'datadog',
    (url) => datadogConfig(url, { delivery }),
    (record) => JSON.parse((record as { message: string }).message),
  ],
  ['datadog, attributes', (url) => datadogConfig(url, { delivery, messageFormat: 'attributes' }), (record) => record],
]

test.each(formats)(
  'an event that %s refuses with 413 is delivered truncated, its neighbours whole',
  async (_, configOf, eventOf) => {
    const intake: HostileIntake = await openIntake({ maxBytes: 2000 })
    const sizes = [10, 800, 20, 3000, 30, 40, 50, 900]
    const lines = sizes.map((padding, n) => event(`id-${n}`, padding))
    const content = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    const file = memoryFeed(content)
    const dead: unknown[] = []
    const lane = createLane({
      destination: openDestination(configOf(intake.url)),
      feed: file.feed,
      delivery,
      throttle: { take: async () => undefined, stop() {} },
      deadLetters: {
        async write(entries) {
          dead.push(...entries)
          return { kind: 'stored' }
        },
      },
      log: silentLog,
    })
    lane.start()
    await until(() => file.ledger.watermark === content.length)
    await lane.drain()

    const delivered = new Map(
      intake
        .records()
        .map(eventOf)
        .map((record) => [(record as { auditID: string }).auditID, record]),
    )
    const expected = lines.map((line, n) => {
      const { requestObject, responseObject, ...rest } = JSON.parse(line)
      const annotations = { 'audit.k8s.io/truncated': 'true', a: 'b' }
      return (sizes[n] ?? 0) < 500 ? JSON.parse(line) : { ...rest, annotations }
    })
    expect(expected.map(({ auditID }) => delivered.get(auditID))).toMatchObject(expected)
    const cut = expected.filter(({ requestObject }) => requestObject === undefined)
    for (const { auditID } of cut) expect(delivered.get(auditID)).not.toHaveProperty('requestObject')
    expect([cut.length, dead, intake.records().length]).toEqual([3, [], lines.length])
    const bodies = new Map(intake.requests.map(({ id, body }) => [id, body]))
    expect(intake.requests.every(({ id, body }) => bodies.get(id)?.equals(body))).toBe(true)
  },
)
