import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { geteuid, seteuid } from 'node:process'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { problemLine } from '../../src/config/problem.ts'
import { brief, directoryOf, item, key } from './loading.ts'

const logs = (path: string) => `logs:\n  - {type: file, path: ${path}}\n`
const load = (...paths: readonly string[]) => loadConfig({ paths, env: key })

describe('a directory of configuration', () => {
  it('is its *.yaml and *.d/conf.yaml, sorted, each with its integration’s name', async () => {
    const directory = directoryOf({
      'b.yaml': `init_config: {service: of-b}\n${logs('/b')}`,
      'a.yaml': `${logs('/a')}tags: [t:1]\n`,
      'kubernetes_audit.d/conf.yaml': logs('/k'),
      'empty.d/other.yaml': 'nonsense: 1',
      'notes.txt': 'nonsense',
      'conf.schema.json': '{}',
    })
    expect(await load(directory)).toMatchObject({
      kind: 'loaded',
      problems: [],
      config: {
        files: ['a.yaml', 'b.yaml', 'kubernetes_audit.d/conf.yaml'].map((name) => join(directory, name)),
        sources: [
          { integration: 'a', path: '/a', labels: { service: undefined, tags: ['t:1'] } },
          { integration: 'b', path: '/b', labels: { service: 'of-b', tags: ['t:1'] } },
          { integration: 'kubernetes_audit', path: '/k', labels: { service: undefined, tags: ['t:1'] } },
        ],
      },
    })
  })

  it('may be a mounted ConfigMap', async () => {
    const directory = directoryOf({ '..2026_11_20/conf.yaml': logs('/a'), '..2026_11_20/x.yaml': 'tags: [a:b]' })
    symlinkSync('..2026_11_20', join(directory, '..data'))
    symlinkSync('..data/conf.yaml', join(directory, 'conf.yaml'))
    symlinkSync('..data/x.yaml', join(directory, 'x.yaml'))
    writeFileSync(join(directory, '.draft.yaml'), 'nonsense: 1')
    expect(await load(directory)).toMatchObject({ kind: 'loaded', problems: [], config: { sources: [{ path: '/a' }] } })
  })

  it('may hold a section once', async () => {
    const directory = directoryOf({ 'a.yaml': `${item}tags: [a:b]\n`, 'b.yaml': `${logs('/b')}\ntags: [a:b]\n` })
    const { kind, problems } = await load(directory)
    expect(kind).toBe('invalid')
    expect(problems.map(problemLine)).toEqual([
      `${directory}/b.yaml:4:1: \`tags\` is already given in ${directory}/a.yaml:3`,
    ])
  })

  it('may hold a section again that is left empty', async () => {
    const directory = directoryOf({ 'a.yaml': `${item}tags: [a:b]\n`, 'b.yaml': `${logs('/b')}\ntags:\n` })
    expect(await load(directory)).toMatchObject({ kind: 'loaded', problems: [] })
  })

  it('is told of paths that two items name, with the places of both', async () => {
    const directory = directoryOf({
      'a.yaml': 'logs:\n  - {type: file, path: /a.log}\n  - {type: file, path: //a.log, service: b}\n',
      'b.yaml': logs('/a.log'),
      'c.yaml': 'logs: [{type: file, path: "/x/*", exclude_paths: [/x/a]}, {type: file, path: "/x/*"}]\n',
      'd.yaml': 'logs: [{type: file, path: "/y/*"}, {type: file, path: "/y/*", exclude_paths: [/y/a]}]\n',
      'e.yaml': 'logs: [{type: file, path: /z, pth: 1}, {type: file, path: /z}]\n',
    })
    const { kind, problems } = await load(directory)
    expect(kind).toBe('loaded')
    const shown = problems.map((problem) => problemLine(problem).replaceAll(`${directory}/`, ''))
    const nothing = 'that item reads the files, and this one reads nothing'
    expect(shown).toEqual([
      `a.yaml:3:24: warning: \`path\` is the same as in a.yaml:2: ${nothing}`,
      `b.yaml:2:24: warning: \`path\` is the same as in a.yaml:2: ${nothing}`,
      `d.yaml:1:55: warning: \`path\` is the same as in d.yaml:1: ${nothing}`,
      'e.yaml:1:31: unknown key `pth`',
    ])
  })

  it('is told of when it holds nothing, or what is not read', async () => {
    const directory = directoryOf({ 'a.yml': item })
    expect((await load(directory)).problems.map(problemLine)).toEqual([
      `${directory}/a.yml: warning: is not read`,
      `${directory}: contains no *.yaml and no *.d/conf.yaml`,
    ])
  })

  it('takes an empty file beside others', async () => {
    const directory = directoryOf({ 'a.yaml': '# later\n', 'b.yaml': item })
    const { kind, problems } = await load(directory)
    expect(kind).toBe('loaded')
    expect(problems.map(problemLine)).toEqual([`${directory}/a.yaml: warning: is empty`])
  })

  it('has the places of problems in each of its files', async () => {
    const directory = directoryOf({ 'a.yaml': item, 'b.yaml': '\ndelivery: {initial_backoff: 1h}\n', 'c.yaml': 'x: 1' })
    expect((await load(directory)).problems.map(problemLine)).toEqual([
      `${directory}/c.yaml:1:1: unknown key \`x\``,
      `${directory}/b.yaml:2:29: \`max_backoff\` (2m) must be at least \`initial_backoff\` (1h)`,
    ])
  })
})

describe('paths', () => {
  it('given twice are read once', async () => {
    const directory = directoryOf({ 'a.yaml': item })
    const result = await load(join(directory, 'a.yaml'), directory, `${directory}/./a.yaml`)
    expect(result).toMatchObject({ kind: 'loaded', config: { sources: [{}] } })
    expect(result.kind === 'loaded' && result.config.sources).toHaveLength(1)
  })

  it('come from TAILSHIP_CONFIG when none is given', async () => {
    const directory = directoryOf({ 'a.yaml': item })
    expect(await loadConfig({ paths: [], env: { ...key, TAILSHIP_CONFIG: directory } })).toMatchObject({
      kind: 'loaded',
      config: { files: [join(directory, 'a.yaml')] },
    })
  })

  it('of files that a section names are relative to its file', async () => {
    const directory = directoryOf({ 'a.yaml': item, 'sub.d/conf.yaml': 'checkpoint: {run_path: state}' })
    expect(await load(directory)).toMatchObject({ config: { checkpoint: { runPath: join(directory, 'sub.d/state') } } })
  })
})

describe('a file that cannot be used', () => {
  const problemOf = async (path: string) => {
    const { kind, problems } = await load(path)
    expect(kind).toBe('invalid')
    expect(problems).toHaveLength(1)
    return problems.map((problem) => brief(problem)).join()
  }

  it('is told of when it is missing, or below a file', async () => {
    const directory = directoryOf({ 'a.yaml': item })
    expect(await problemOf(join(directory, 'b.yaml'))).toBe(
      'does not exist → name a file or a directory with --config or TAILSHIP_CONFIG',
    )
    symlinkSync('nowhere', join(directory, 'link.yaml'))
    expect(await problemOf(join(directory, 'link.yaml'))).toBe('is a symbolic link to a file that does not exist')
    expect(await problemOf(join(directory, 'a.yaml/b.yaml'))).toMatch(/^does not exist: .*a\.yaml is not a directory$/)
  })

  it('is no reason to miss what may stand in it', async () => {
    const directory = directoryOf({ 'a.yaml': item })
    const { problems } = await loadConfig({ paths: [directory, join(directory, 'b.yaml')], env: {} })
    expect(problems.map(problemLine)).toEqual([`${directory}/b.yaml: does not exist`])
  })

  it('is told of when a directory stands in its place', async () => {
    const directory = directoryOf({ 'a.yaml/x': '' })
    expect(await problemOf(directory)).toMatch(/^is a directory → /)
  })

  it('is told of when a named pipe stands in its place, which nobody may ever write to', async () => {
    const pipe = join(directoryOf({}), 'pipe.yaml')
    execFileSync('mkfifo', [pipe])
    expect(await problemOf(pipe)).toBe('is a named pipe, not a file')
  })

  it('is told of with the user who may not read it', async () => {
    const directory = directoryOf({ 'a.yaml': item })
    chmodSync(directory, 0o755)
    chmodSync(join(directory, 'a.yaml'), 0o000)
    const root = geteuid?.() === 0
    try {
      if (root) seteuid?.(65_534)
      expect(await problemOf(join(directory, 'a.yaml'))).toBe(
        `cannot be read by uid ${geteuid?.()} (EACCES) → let that user read the file and enter every directory above it, or run as another user`,
      )
    } finally {
      if (root) seteuid?.(0)
    }
  })

  it.each([
    [
      'latin1',
      Uint8Array.of(97, 58, 32, 98, 10, 97, 58, 32, 0xe9, 10),
      '2:4 this byte is not UTF-8 → save the file as UTF-8',
    ],
    ['UTF-16', Uint8Array.of(0xff, 0xfe, 97, 0), 'is UTF-16 → save it as UTF-8'],
    ['huge', new Uint8Array(2 ** 20 + 1), 'is larger than 1 MiB'],
  ])('is told of when it is %s', async (_, content, expected) => {
    expect(await problemOf(join(directoryOf({ 'a.yaml': content }), 'a.yaml'))).toBe(expected)
  })

  it('is read behind a byte order mark', async () => {
    const directory = directoryOf({ 'a.yaml': `\uFEFF${item}` })
    expect(await load(directory)).toMatchObject({ kind: 'loaded', problems: [] })
  })
})
