import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeDocument } from '../src/checkpoint/document.ts'
import { dispatch } from '../src/cli/dispatch.ts'
import { replaysJson, surveysJson } from '../src/cli/replay-report.ts'
import { exitCode } from '../src/io.ts'
import { fakeIo } from './cli/fake-io.ts'
import { directoryOf } from './config/loading.ts'
import { sampleStatus } from './observe/sample-status.ts'

const root = new URL('..', import.meta.url).pathname
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')

/** The rows of every table whose last column is `test`. */
function rowsWithTests(markdown: string): readonly { readonly row: string; readonly tests: string }[] {
  const tables = markdown.split('\n\n').map((block) => block.split('\n').filter((line) => line.startsWith('|')))
  return tables
    .filter(([head = '']) => head.endsWith('| test |'))
    .flatMap(([, , ...rows]) => rows.map(cellsOf))
    .map((cells) => ({ row: cells[0] ?? '', tests: cells.at(-1) ?? '' }))
}

const cellsOf = (row: string) =>
  row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim())

/** `` `a.test.ts`: one …; another; `b.test.ts` ``: files, each with the names of tests in it. */
function referencesIn(cell: string): readonly { readonly file: string; readonly names: readonly string[] }[] {
  return [...cell.matchAll(/`([^`]+)`(?:: ([^`]+))?/g)].map(([, file = '', names = '']) => ({
    file,
    names: names
      .split(';')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  }))
}

/** Whether a text in quotes of `source` has the words of `name`, in their order. */
function isNamed(name: string, source: string): boolean {
  const words = name.split('…').map((part) => part.trim())
  const texts =
    source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '').match(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g) ??
    []
  return texts.some((text) => {
    let at = 0
    return words.every((part) => {
      const found = text.indexOf(part, at)
      at = found + part.length
      return found >= 0
    })
  })
}

describe('docs/architecture.md', () => {
  const rows = rowsWithTests(textOf('docs/architecture.md'))

  it('names a test in every row of its tables of faults, rotations and deaths', () => {
    expect(rows.length).toBeGreaterThan(60)
    expect(rows.filter(({ tests }) => referencesIn(tests).length === 0)).toEqual([])
  })

  it.each(rows)('names tests that are there: $row', ({ tests }) => {
    for (const { file, names } of referencesIn(tests)) {
      const path = join('test', file)
      expect(existsSync(join(root, path)), path).toBe(true)
      const source = textOf(path)
      expect(
        names.filter((name) => !isNamed(name, source)),
        file,
      ).toEqual([])
    }
  })
})

/** All that stands in backticks. */
const codeIn = (markdown: string) => new Set([...markdown.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code))

/** Outputs with every field there is. */
const contracts: Readonly<Record<string, () => Promise<readonly unknown[]>>> = {
  'tailship.status/v1': async () => [sampleStatus, { lastError: { at: '', message: '' } }],
  'tailship.offline/v1': async () => [await printed(['status', '-j', '--run-path', directoryOf(aRegistry)])],
  'tailship.configcheck/v1': async () => [
    await printed(['configcheck', '-o', 'json', directoryOf({ 'conf.yaml': aConfiguration })]),
    await printed(['configcheck', '-o', 'json', directoryOf({ 'conf.yaml': 'logs: [{type: fil}]\n' })]),
  ],
  'tailship.replay/v1': async () => [
    JSON.parse(replaysJson([{ ...left, delivered: 1, unreachable: 'no answer', interrupted: true }])),
    JSON.parse(surveysJson([{ ...left, sendable: left.kept }])),
  ],
}

const left = { destination: 'd', kept: new Map([['r', 1]]), unreadable: 1, fault: { code: 'EIO', message: 'EIO' } }
const aRegistry = {
  'registry.json': 'damaged',
  'registry.json.prev': encodeDocument({
    writtenAt: '2026-11-21T10:00:00.000Z',
    generations: [
      {
        id: 'g1',
        path: '/a.log',
        lastPath: '/a.log',
        dev: '1',
        ino: '2',
        birth: '0',
        prefix: { length: 1, hash: 'a' },
        size: 5000,
        finished: false,
        seenAt: '2026-11-21T10:00:00.000Z',
        positions: { d: { offset: 1, marker: { length: 1, hash: 'b' }, deadLetteredBytes: 0, skippedBytes: {} } },
      },
    ],
  }),
}
const aConfiguration = `logs:
  - {type: file, path: /a.log, service: s, source: s}
  - {type: file, path: /b.log, encoding: latin-1}
destination: {type: webhook, url: "http://h/", token: t}
checkpoint: {import: /nowhere}
`

async function printed(argv: readonly string[]): Promise<unknown> {
  const io = fakeIo()
  await dispatch(argv, io)
  return JSON.parse(io.stdout.text)
}

/** The names of all fields but those that are keys of conf.yaml. */
function fieldsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(fieldsOf)
  return Object.entries(value).flatMap(([name, child]) => [name, ...(name === 'delivery' ? [] : fieldsOf(child))])
}

describe('docs/operations.md', () => {
  const page = textOf('docs/operations.md')

  it('explains every metric, and none that is not there', () => {
    const source = textOf('src/observe/metrics.ts')
    const metrics = [...source.matchAll(/'((?:tailship|process)_\w+)'/g)].map(([, name = '']) => name)
    const explained = [...codeIn(page)].filter((code) => /^(tailship|process)_\w+$/.test(code))
    expect(metrics.length).toBeGreaterThan(30)
    expect(explained.toSorted()).toEqual([...new Set(metrics)].toSorted())
  })

  it('explains every variable of the environment', () => {
    const source = textOf('src/config/variables.ts')
    const variables = [...source.matchAll(/^ {2}\['(\w+)', \[/gm)].map(([, name = '']) => name)
    expect(variables.length).toBeGreaterThan(25)
    expect(variables.filter((name) => !codeIn(page).has(name))).toEqual([])
  })

  it.each(Object.entries(contracts))('explains every field of %s', async (schema, outputs) => {
    const [section = ''] = page.slice(page.indexOf(`\`${schema}\``)).split(/\n## |\*\*`tailship\./)
    const explained = new Set([...codeIn(section)].flatMap((code) => code.split(/[.[\]]+/)))
    const fields = (await outputs()).flatMap(fieldsOf)
    expect(fields).toContain('schema')
    expect([...new Set(fields)].filter((field) => !explained.has(field))).toEqual([])
  })

  it('explains every exit code', () => {
    const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    expect(codes).toEqual(Object.values(exitCode).toSorted((a, b) => a - b))
  })
})

describe('docs/configuration.md', () => {
  it('explains every key', () => {
    const explained = new Set([...codeIn(textOf('docs/configuration.md'))].flatMap((code) => code.split(/[.[\]]+/)))
    const keys = keysOf(JSON.parse(textOf('config/conf.schema.json')))
    expect(keys.size).toBeGreaterThan(50)
    expect([...keys].filter((key) => !explained.has(key))).toEqual([])
  })
})

/** The names of all properties of a JSON Schema. What integrations of the Datadog Agent have besides has no effect. */
function keysOf(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set()
  const own = 'properties' in schema ? Object.keys(schema.properties ?? {}) : []
  const ignored = ['instances', 'init_config']
  return new Set([
    ...own.filter((key) => !ignored.includes(key)),
    ...Object.values(schema).flatMap((child) => [...keysOf(child)]),
  ])
}

const pages = ['README.md', 'CHANGELOG.md', 'docs', 'docs/decisions'].flatMap((path) =>
  path.endsWith('.md')
    ? [path]
    : readdirSync(join(root, path)).flatMap((name) => (name.endsWith('.md') ? [join(path, name)] : [])),
)

describe('links and paths in the documentation', () => {
  it.each(pages)('of %s lead somewhere', (page) => {
    const text = textOf(page)
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, path = '', anchor]) => {
      const target = path === '' ? page : join(page, '..', path)
      return { target, anchor }
    })
    for (const { target, anchor } of links) {
      expect(existsSync(join(root, target)), target).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(textOf(target))).toContain(anchor)
    }
    const paths = [...text.matchAll(/`((?:test|src|config|deploy|bench)\/[\w./-]+)`/g)].map(([, path = '']) => path)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})

describe('shell commands in the documentation', () => {
  // In zsh a comment behind a command is arguments of it, and one on a line of its own is a command.
  it.each(pages)('of %s have no comments', (page) => {
    const blocks = [...textOf(page).matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
    expect(blocks.flatMap((block) => block.split('\n')).filter((line) => /(^|\s)#/.test(line))).toEqual([])
  })
})

/** As GitHub makes them. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}
