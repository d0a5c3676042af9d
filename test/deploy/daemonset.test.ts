import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { longestDrainMs } from '../../src/agent-drain.ts'
import { drainDeadlineMs } from '../../src/cli/run.ts'
import { loadConfig } from '../../src/config/load.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly [key: string]: unknown
}

const documents = parseAllDocuments(readFileSync(new URL('../../deploy/daemonset.yaml', import.meta.url), 'utf8'))
const manifests = documents.map((document) => document.toJS() as Manifest)
const find = (kind: string) => manifests.find((manifest) => manifest.kind === kind)

const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value)

describe('deploy/daemonset.yaml', () => {
  const pod = at(find('DaemonSet'), 'spec', 'template', 'spec')
  const container = at(pod, 'containers', 0)

  test('is complete by itself', () => {
    expect(manifests.map(({ kind }) => kind)).toEqual(['Namespace', 'ServiceAccount', 'ConfigMap', 'DaemonSet'])
    expect(documents.flatMap(({ errors }) => errors)).toEqual([])
  })

  test('holds a configuration that loads without a problem', async () => {
    using dir = tempDir()
    const file = join(dir.path, 'conf.yaml')
    writeFileSync(file, String(at(find('ConfigMap'), 'data', 'conf.yaml')))
    const loading = await loadConfig({ paths: [file], env: {} })
    expect(loading.kind).toBe('loaded')
    if (loading.kind !== 'loaded') return
    const mounts = at(container, 'volumeMounts') as { readonly mountPath: string }[]
    const isMounted = (path: string) =>
      mounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`) || path === mountPath)
    expect(loading.config.sources.filter(({ path }) => !isMounted(path))).toEqual([])
    expect(isMounted(loading.config.checkpoint.runPath)).toBe(true)
  })

  test('sets no variable that the agent does not read', () => {
    const source = readFileSync(new URL('../../src/config/environment.ts', import.meta.url), 'utf8')
    const names = (at(container, 'env') as { readonly name: string }[]).map(({ name }) => name)
    expect(names.filter((name) => !source.includes(`['${name}', [`))).toEqual([])
  })

  test('mounts the audit directory read-only and keeps positions on the host', () => {
    expect(at(pod, 'volumes', 0, 'hostPath', 'type')).toBe('Directory')
    expect(at(container, 'volumeMounts', 0, 'readOnly')).toBe(true)
    expect(at(pod, 'volumes', 1, 'hostPath', 'type')).toBe('DirectoryOrCreate')
    expect(at(container, 'volumeMounts', 1, 'readOnly')).toBeUndefined()
  })

  test('runs with one capability and no token', () => {
    expect(at(container, 'securityContext', 'capabilities')).toEqual({ drop: ['ALL'], add: ['DAC_READ_SEARCH'] })
    expect(at(container, 'securityContext', 'allowPrivilegeEscalation')).toBe(false)
    expect(at(container, 'securityContext', 'readOnlyRootFilesystem')).toBe(true)
    expect(at(pod, 'automountServiceAccountToken')).toBe(false)
  })

  test('never has two agents on one node and gives the agent its drain deadline', () => {
    expect(at(find('DaemonSet'), 'spec', 'updateStrategy', 'rollingUpdate')).toEqual({ maxUnavailable: 1, maxSurge: 0 })
    expect(1000 * Number(at(pod, 'terminationGracePeriodSeconds'))).toBeGreaterThan(longestDrainMs(drainDeadlineMs))
  })
})

describe('deploy/Dockerfile', () => {
  test('gives Node and its malloc the settings that bin/agent gives', () => {
    const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
    const flagsIn = (path: string) => textOf(path).match(/--(?:max|disable)[\w=-]+/g)
    expect(flagsIn('deploy/Dockerfile')).toHaveLength(3)
    expect(flagsIn('deploy/Dockerfile')).toEqual(flagsIn('bin/agent'))
    const mallocIn = (path: string) => textOf(path).match(/MALLOC_\w+=\d+/g)
    expect(mallocIn('deploy/Dockerfile')).toHaveLength(2)
    expect(mallocIn('deploy/Dockerfile')).toEqual(mallocIn('bin/agent'))
  })
})
