import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { createEventSource } from '../../src/demo/events/events.ts'
import { agentBench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

test('the rules of all sources, then those of the source, decide what is sent, and status accounts for every byte', async () => {
  using dir = tempDir()
  const intake = await startIntake()
  const global = [
    {
      type: 'mask_sequences',
      name: 'addresses',
      pattern: '"sourceIPs":\\[[^\\]]*\\]',
      replace_placeholder: '"sourceIPs":[]',
    },
    { type: 'exclude_at_match', name: 'reads', pattern: '"verb":"(get|list|watch)"' },
  ]
  const own = 'log_processing_rules: [{type: include_at_match, name: bare, pattern: \'"sourceIPs":\\[\\]\'}]'
  const conf = `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 50ms, throttle_enable: false}`
  using bench = agentBench(dir.path, conf, {
    source: own,
    env: { DD_LOGS_CONFIG_PROCESSING_RULES: JSON.stringify(global) },
  })
  const events = createEventSource(3)
  const lines = Array.from({ length: 500 }, () => events.next().toString().trimEnd())
  const kept = lines.filter((line) => !/"verb":"(get|list|watch)"/.test(line))
  mkdirSync(dirname(bench.auditLog))
  writeFileSync(bench.auditLog, lines.map((line) => `${line}\n`).join(''))
  const agent = bench.start()
  const file = async () => (await agent.status()).sources[0]?.files[0]
  await until(async () => (await file())?.positions[0]?.lagBytes === 0)
  const { sizeBytes = 0, bytesSkipped = {}, bytesDelivered = 0 } = (await file()) ?? {}
  const masked = kept.map((line) => JSON.parse(line.replace(/"sourceIPs":\[[^\]]*\]/, '"sourceIPs":[]')))
  expect(intake.records()).toEqual(masked)
  expect(kept.length).toBeGreaterThan(50)
  const keptBytes = kept.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
  expect({ bytesSkipped, bytesDelivered }).toEqual({
    bytesSkipped: { rule: sizeBytes - keptBytes },
    bytesDelivered: keptBytes,
  })
  expect(await agent.stop()).toBe(0)
  await intake.close()
})
