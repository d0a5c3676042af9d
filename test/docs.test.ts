import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exitCode } from '../src/cli/io.ts'

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
    const source = textOf('src/config/environment.ts')
    const variables = [...source.matchAll(/^ {2}\['(\w+)', \[/gm)].map(([, name = '']) => name)
    expect(variables.length).toBeGreaterThan(25)
    expect(variables.filter((name) => !codeIn(page).has(name))).toEqual([])
  })

  it('explains every exit code', () => {
    const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code))
    expect(codes).toEqual(Object.values(exitCode).toSorted((a, b) => a - b))
  })
})

describe('README.md', () => {
  it('explains every key of the configuration', () => {
    const [, section = ''] = textOf('README.md').split('## Configuration')
    const explained = new Set([...codeIn(section)].flatMap((code) => code.split(/[.[\]]+/)))
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

describe('links and paths in the documentation', () => {
  const pages = ['README.md', 'CHANGELOG.md', 'docs', 'docs/decisions'].flatMap((path) =>
    path.endsWith('.md')
      ? [path]
      : readdirSync(join(root, path)).flatMap((name) => (name.endsWith('.md') ? [join(path, name)] : [])),
  )

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
