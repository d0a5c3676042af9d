import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { agentBench } from '../support/agent-process.ts'
import { startIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const checkout = join(import.meta.dirname, '..', '..')

test('the bundle ships logs with no package beside it, as in the image', async () => {
  using dir = tempDir()
  const app = join(dir.path, 'app')
  cpSync(join(checkout, 'dist'), join(app, 'dist'), { recursive: true })
  cpSync(join(checkout, 'package.json'), join(app, 'package.json'))
  const intake = await startIntake()
  // Rules and the throttle load libraries only when they are asked for.
  const conf = `destination: {type: datadog, url: "${intake.url}", api_key: abc}
delivery: {batch_max_wait: 0s, throttle_qps: 50, throttle_burst: 5}
`
  const source = `log_processing_rules: [{type: mask_sequences, name: m, pattern: "b+", replace_placeholder: "[masked]"}]`
  using bench = agentBench(dir.path, conf, { main: join(app, 'dist', 'main.js'), source })
  mkdirSync(dirname(bench.auditLog))
  appendFileSync(bench.auditLog, '{"kind":"Event","a":"bbb"}\n')
  const agent = bench.start()
  await until(() => intake.records().length > 0)
  expect(intake.records()).toMatchObject([{ message: '{"kind":"Event","a":"[masked]"}' }])
  expect(await agent.stop()).toBe(0)
  await intake.close()
})

test('the bundle does without what of Node is large and not used: TLS, HTTP/2, WebCrypto and the undici in it', async () => {
  using dir = tempDir()
  const [listed, list] = [join(dir.path, 'modules'), join(dir.path, 'list.cjs')]
  writeFileSync(
    list,
    `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(listed)}, process.moduleLoadList.join('\\n')))`,
  )
  const intake = await startIntake()
  const conf = `destination: {type: webhook, url: "${intake.url}"}\ndelivery: {batch_max_wait: 0s}\n`
  using bench = agentBench(dir.path, conf, { env: { NODE_OPTIONS: `--require=${list}` } })
  mkdirSync(dirname(bench.auditLog))
  appendFileSync(bench.auditLog, '{"kind":"Event"}\n')
  const agent = bench.start()
  await until(() => intake.records().length > 0)
  expect(await agent.stop()).toBe(0)
  const modules = readFileSync(listed, 'utf8').split('\n')
  expect(modules).toContain('NativeModule net')
  const large = ['tls', 'http2', 'internal/crypto/webcrypto', 'internal/deps/undici/undici']
  expect(large.filter((name) => modules.includes(`NativeModule ${name}`))).toEqual([])
  await intake.close()
})

test('the bundle brings the licence of every package in it', () => {
  const dist = join(checkout, 'dist')
  const licences = readFileSync(join(dist, 'licenses.txt'), 'utf8')
  const { dependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'))
  const bundled = Object.keys(dependencies)
  expect(bundled.filter((name) => !readdirSync(dist).includes(`${name}.js`))).toEqual([])
  expect(bundled.filter((name) => !licences.includes(`${name} ${dependencies[name]} (`))).toEqual([])
})

test('the bundle is ASCII, of which V8 keeps one byte a character', () => {
  const dist = join(checkout, 'dist')
  const files = readdirSync(dist).filter((name) => name.endsWith('.js'))
  expect(files).toContain('main.js')
  expect(files.filter((name) => readFileSync(join(dist, name)).some((byte) => byte > 0x7f))).toEqual([])
})
