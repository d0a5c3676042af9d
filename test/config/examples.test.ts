import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { confJsonSchema } from '../../scripts/conf-schema.ts'
import { loadConfig } from '../../src/config/load.ts'
import { key } from './loading.ts'

const folder = fileURLToPath(new URL('../../config/', import.meta.url))
const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

describe('the examples', () => {
  it('are there for each destination', () => {
    expect(examples).toEqual(expect.arrayContaining(['conf.datadog.yaml', 'conf.multi.yaml', 'conf.webhook.yaml']))
  })

  it.each(examples)('%s loads clean', async (name) => {
    const result = await loadConfig({ paths: [folder + name], env: {}, exists: () => true })
    expect(result).toMatchObject({ kind: 'loaded', problems: [] })
  })

  it('conf.datadog.yaml shows the defaults', async () => {
    const exists = () => true
    const shown = await loadConfig({ paths: [`${folder}conf.datadog.yaml`], env: {}, exists })
    const { directoryOf, item } = await import('./loading.ts')
    const plain = await loadConfig({ paths: [directoryOf({ 'conf.yaml': item })], env: key, exists })
    if (shown.kind === 'invalid' || plain.kind === 'invalid') throw new Error('not loaded')
    const rest = ({ files: _, sources, destinations, ...others }: typeof plain.config) => ({
      ...others,
      sources: sources.map(({ integration, path, labels, ...source }) => source),
      destinations: destinations.map((destination) => ({ ...destination, apiKey: undefined })),
    })
    expect(rest(shown.config)).toEqual(rest(plain.config))
  })
})

describe('conf.schema.json', () => {
  it('is what scripts/conf-schema.ts writes', () => {
    expect(JSON.parse(readFileSync(`${folder}conf.schema.json`, 'utf8'))).toEqual(confJsonSchema())
  })
})
