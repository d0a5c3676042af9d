import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { longestDrainMs } from '../../src/agent/drain.ts'
import { DRAIN_DEADLINE_MS } from '../../src/cli/run.ts'
import { loadConfig } from '../../src/config/load.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly [key: string]: unknown
}

const root = new URL('../../', import.meta.url).pathname
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')
const examples = readdirSync(join(root, 'config')).flatMap((name) => (name.endsWith('.yaml') ? [`config/${name}`] : []))

const documents = parseAllDocuments(textOf('deploy/daemonset.yaml'))
const manifests = documents.map((document) => document.toJS() as Manifest)
const find = (kind: string) => manifests.find((manifest) => manifest.kind === kind)

const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value)

const stringsOf = (value: unknown): readonly string[] =>
  typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(stringsOf)

describe('deploy/daemonset.yaml', () => {
  const pod = at(find('DaemonSet'), 'spec', 'template', 'spec')
  const container = at(pod, 'containers', 0)
  const volumes = at(pod, 'volumes') as readonly { readonly name: string }[]
  const mounts = at(container, 'volumeMounts') as readonly { readonly name: string; readonly mountPath: string }[]
  const mountPathOf = (volume: string) => mounts.find(({ name }) => name === volume)?.mountPath

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
    const { sources, checkpoint } = loading.config
    expect(sources.map(({ path }) => dirname(path))).toEqual([mountPathOf('audit')])
    expect(checkpoint.runPath).toBe(mountPathOf('checkpoint'))
  })

  test('has the directory of the audit log in one place, which is set for a distribution', () => {
    const audit = volumes.find(({ name }) => name === 'audit')
    const strings = manifests.flatMap(stringsOf).flatMap((text) => text.split(/[\s,]+/))
    const directory = at(audit, 'hostPath', 'path')
    expect(strings.filter((text) => text.startsWith(String(directory)))).toEqual([directory])
  })

  test('mounts nothing within or above what another volume or the image has', () => {
    const used = [...mounts.map(({ mountPath }) => mountPath), '/app', '/nodejs', '/etc/ssl', '/proc', '/sys', '/dev']
    const within = (path: string, directory: string) => path !== directory && `${path}/`.startsWith(`${directory}/`)
    const nested = used.filter((path) => used.some((other) => within(path, other)))
    expect(nested).toEqual([])
    expect(new Set(used).size).toBe(used.length)
  })

  test.each(['README.md', 'docs/operations.md', ...examples])('has the files that %s names', (page) => {
    const [configuration, secret] = [mountPathOf('config'), mountPathOf('secret')]
    const named = textOf(page).match(/\/etc\/tailship[\w./-]*/g) ?? []
    expect(named.filter((path) => path !== configuration && dirname(path) !== secret)).toEqual([])
    const logs = examples.includes(page) ? (textOf(page).match(/\S+\/audit\.log/g) ?? []) : []
    expect(logs.filter((path) => dirname(path) !== mountPathOf('audit'))).toEqual([])
  })

  test('is set up by the commands of the README', () => {
    const commands = [...textOf('deploy/daemonset.yaml').matchAll(/^# {3}(kubectl .*)$/gm)].map(([, line]) => line)
    expect(commands).toHaveLength(2)
    expect(textOf('README.md')).toContain(`${commands.join('\n')}\n`)
    expect(commands.filter((line) => !line?.includes('kubectl apply -f '))).toEqual([])
    // A namespace without the manifest's labels, applied again, takes them away, and pods are refused.
    expect(textOf('README.md')).not.toContain('create namespace')
  })

  test('sets no variable that the agent does not read', () => {
    const source = textOf('src/config/variables.ts')
    const names = (at(container, 'env') as { readonly name: string }[]).map(({ name }) => name)
    expect(names.filter((name) => !source.includes(`['${name}', [`))).toEqual([])
  })

  test('is asked by its probes where a run path that cannot be written does not matter', () => {
    const env = at(container, 'env') as { readonly name: string; readonly value?: string }[]
    const socket = env.find(({ name }) => name === 'TAILSHIP_SOCKET')?.value ?? ''
    expect(dirname(socket)).toBe(mountPathOf('socket'))
    expect(
      at(
        volumes.find(({ name }) => name === 'socket'),
        'emptyDir',
        'medium',
      ),
    ).toBe('Memory')
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) =>
      at(container, name, 'exec', 'command'),
    )
    expect(probes.flatMap(stringsOf)).not.toContain('--run-path')
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
    expect(1000 * Number(at(pod, 'terminationGracePeriodSeconds'))).toBeGreaterThan(longestDrainMs(DRAIN_DEADLINE_MS))
  })
})

describe('deploy/monitoring.yaml', () => {
  const rules = parseAllDocuments(textOf('deploy/monitoring.yaml')).map((document) => document.toJS())

  test('scrapes the port of the pods by its name', () => {
    const ports = at(find('DaemonSet'), 'spec', 'template', 'spec', 'containers', 0, 'ports')
    expect(ports).toEqual([{ name: at(rules[0], 'spec', 'podMetricsEndpoints', 0, 'port'), containerPort: 5555 }])
    expect(at(rules[0], 'spec', 'selector')).toEqual(at(find('DaemonSet'), 'spec', 'selector'))
  })

  test('alerts where the pod of one node is not scraped, as `absent` does for all of them', () => {
    const { name, namespace } = rules[0].metadata
    const expressions = stringsOf(at(rules[1], 'spec', 'groups'))
    expect(expressions).toContain(`up{job="${namespace}/${name}"} == 0`)
  })

  test('alerts once for what is lost', () => {
    const [lost = ''] = stringsOf(at(rules[1], 'spec', 'groups')).filter((text) => text.includes('lost_bytes'))
    // What `or` joins is told apart by its labels.
    expect(lost.split(' or ').map((part) => part.match(/^sum by \((.*?)\)/)?.[1])).toEqual(['node, path', 'node, path'])
  })

  test('alerts on metrics that there are', () => {
    const expressions = (at(rules[1], 'spec', 'groups', 0, 'rules') as { readonly expr: string }[]).map(
      ({ expr }) => expr,
    )
    const names = expressions.flatMap((expression) => expression.match(/tailship_\w+/g) ?? [])
    expect(expressions.filter((expression) => !/tailship_\w+|^up\{/.test(expression))).toEqual([])
    expect(names.filter((name) => !textOf('docs/operations.md').includes(`\`${name}\``))).toEqual([])
  })
})

describe('deploy/kustomization.yaml', () => {
  test('is the manifest', () => {
    const [base] = parseAllDocuments(textOf('deploy/kustomization.yaml')).map((document) => document.toJS())
    expect(base.resources).toEqual(['daemonset.yaml'])
  })
})

describe('deploy/Dockerfile', () => {
  test('gives Node and its malloc the settings that bin/agent gives', () => {
    const flagsIn = (path: string) => textOf(path).match(/--(?:max|disable)[\w=-]+/g)
    expect(flagsIn('deploy/Dockerfile')).toHaveLength(3)
    expect(flagsIn('deploy/Dockerfile')).toEqual(flagsIn('bin/agent'))
    const mallocIn = (path: string) => textOf(path).match(/MALLOC_\w+=\d+/g)
    expect(mallocIn('deploy/Dockerfile')).toHaveLength(2)
    expect(mallocIn('deploy/Dockerfile')).toEqual(mallocIn('bin/agent'))
  })
})
