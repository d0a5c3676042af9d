import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditLog, openAuditLog } from '../../src/demo/audit-log.ts'

const rotationMs = Date.UTC(2026, 10, 20, 14, 33, 45, 420)

let root: string
let directory: string
let path: string
let log: AuditLog
let nowMs: number

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'audit-log-'))
  directory = join(root, 'audit')
  path = join(directory, 'audit.log')
  nowMs = rotationMs
  log = open()
})

afterEach(() => {
  log.close()
  rmSync(root, { recursive: true })
})

function open(options: { maxSizeBytes?: number; maxBackups?: number } = {}): AuditLog {
  return openAuditLog({ path, maxSizeBytes: 100, maxBackups: 0, nowMs: () => nowMs++, ...options })
}

function write(text: string): string | undefined {
  return log.write(Buffer.from(text))
}

function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((file) => [file, readFileSync(join(directory, file), 'utf8')]),
  )
}

const line = (letter: string) => `${letter.repeat(39)}\n`

describe('an audit log', () => {
  it('rotates before the write that would pass the size, and says where to', () => {
    const backups = ['a', 'b', 'c'].map((letter) => write(line(letter)))
    const backup = 'audit-2026-11-20T14-33-45.420.log'
    expect(backups).toEqual([undefined, undefined, join(directory, backup)])
    expect(contents()).toEqual({ [backup]: line('a') + line('b'), 'audit.log': line('c') })
  })

  it('fills a file up to exactly its size', () => {
    log = open({ maxSizeBytes: 80 })
    for (const letter of ['a', 'b', 'c']) write(line(letter))
    expect(contents()['audit.log']).toBe(line('c'))
  })

  it('makes files and their directory for the owner only', () => {
    write(line('a'))
    log.rotate()
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(readdirSync(directory).map((file) => statSync(join(directory, file)).mode & 0o777)).toEqual([0o600, 0o600])
  })

  it('keeps both files when two rotations fall into one millisecond', () => {
    log = openAuditLog({ path, maxSizeBytes: 100, maxBackups: 0, nowMs: () => rotationMs })
    write(line('a'))
    log.rotate()
    write(line('b'))
    log.rotate()
    expect(contents()).toEqual({
      'audit-2026-11-20T14-33-45.420.log': line('a'),
      'audit-2026-11-20T14-33-45.421.log': line('b'),
      'audit.log': '',
    })
  })

  it('appends to the file of an earlier writer, to the same line if that one was torn', () => {
    write(line('a'))
    write('torn')
    log = open()
    write(line('b'))
    expect(contents()).toEqual({ 'audit.log': `${line('a')}torn${line('b')}` })
  })

  it('rotates the file of an earlier writer when the first line does not fit', () => {
    write(line('a'))
    write(line('b'))
    log = open()
    write(line('c'))
    expect(Object.values(contents())).toEqual([line('a') + line('b'), line('c')])
  })

  it('rotates the file of an earlier writer also when the first line would fill it to its size', () => {
    write(line('a'))
    log = open({ maxSizeBytes: 80 })
    write(line('b'))
    expect(Object.values(contents())).toEqual([line('a'), line('b')])
  })

  it('appends at the end of a found file, and at its own offset after its own rotation', () => {
    write('earlier\n')
    log = open()
    write('first\n')
    truncateSync(path, 0)
    write('second\n')
    expect(contents()['audit.log']).toBe('second\n')
    log.rotate()
    write('third\n')
    truncateSync(path, 0)
    write('fourth\n')
    expect(contents()['audit.log']).toBe('\0\0\0\0\0\0fourth\n')
  })

  it('keeps the newest backups, and leaves files of other names alone', () => {
    log = open({ maxBackups: 2 })
    write(line('a'))
    for (const name of ['audit.log.1', 'audit-notes.log']) writeFileSync(join(directory, name), '')
    for (let count = 0; count < 4; count++) log.rotate()
    expect(readdirSync(directory).sort()).toEqual([
      'audit-2026-11-20T14-33-45.422.log',
      'audit-2026-11-20T14-33-45.423.log',
      'audit-notes.log',
      'audit.log',
      'audit.log.1',
    ])
  })
})
