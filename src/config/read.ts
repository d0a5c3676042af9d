import { isUtf8 } from 'node:buffer'
import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { geteuid } from 'node:process'
import { waitsForWriter } from '../system/named-pipe.ts'
import { systemError } from '../system/system-error.ts'
import { type Problem, problemOf } from './problem.ts'

/** What `-` on the command line stands for. */
export const standardInput = '/dev/stdin'

/** A ConfigMap holds at most this much. */
const MAX_FILE_BYTES = 2 ** 20

export interface FoundFiles {
  readonly files: readonly string[]
  readonly problems: readonly Problem[]
}

/**
 * Returns the files that the paths of `--config` stand for: a file itself, or a directory's `*.yaml` and `*.d/conf.yaml`,
 * sorted. Skips names that begin with a dot, because a mounted ConfigMap keeps its generations under `..data`.
 */
export function findFiles(paths: readonly string[]): FoundFiles {
  const found = paths.map((path) => {
    try {
      return statSync(path).isDirectory() ? filesIn(path) : { files: [path], problems: [] }
    } catch (error) {
      return { files: [], problems: [unreadable(path, error)] }
    }
  })
  const byPath = new Map(found.flatMap(({ files }) => files).map((file) => [resolve(file), file]))
  return { files: [...byPath.values()], problems: found.flatMap(({ problems }) => problems) }
}

function filesIn(directory: string): FoundFiles {
  const names = readdirSync(directory).filter((name) => !name.startsWith('.'))
  const files = names.filter((name) => name.endsWith('.yaml')).map((name) => join(directory, name))
  const nested = names.filter((name) => name.endsWith('.d')).map((name) => join(directory, name, 'conf.yaml'))
  files.push(...nested.filter((file) => statSync(file, { throwIfNoEntry: false }) !== undefined))
  const problems = names
    .filter((name) => name.endsWith('.yml'))
    .map((name) =>
      problemOf(join(directory, name), 'is not read', { scope: 'warning', hint: 'rename it: only *.yaml is read' }),
    )
  if (files.length === 0) problems.push(problemOf(directory, 'contains no *.yaml and no *.d/conf.yaml'))
  return { files: files.sort(), problems }
}

export type ReadFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unusable'; readonly problem: Problem }

export function readConfFile(file: string): ReadFile {
  try {
    if (waitsForWriter(file, statSync(file))) return unusable(problemOf(file, 'is a named pipe, not a file'))
    const bytes = readBounded(file)
    if (bytes.length > MAX_FILE_BYTES) return unusable(problemOf(file, 'is larger than 1 MiB'))
    if (!isUtf8(bytes)) return unusable(notUtf8(file, bytes))
    return { kind: 'text', text: bytes.toString('utf8').replace(/^\uFEFF/, '') }
  } catch (error) {
    return unusable(unreadable(file, error))
  }
}

function unusable(problem: Problem): ReadFile {
  return { kind: 'unusable', problem }
}

/** Reads up to one byte over the limit. Also works for a pipe or a device, whose size is unknown. */
function readBounded(file: string): Buffer {
  const bytes = Buffer.alloc(MAX_FILE_BYTES + 1)
  // Standard input may be a socket, which cannot be opened by its name.
  const descriptor = file === standardInput ? 0 : openSync(file, 'r')
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null)
    }
    return bytes.subarray(0, length)
  } finally {
    if (descriptor !== 0) closeSync(descriptor)
  }
}

function notUtf8(file: string, bytes: Buffer): Problem {
  const wide = bytes.length > 1 && (bytes.readUInt16LE() === 0xfeff || bytes.readUInt16BE() === 0xfeff)
  if (wide) return problemOf(file, 'is UTF-16', { hint: 'save it as UTF-8' })
  let line = 1
  let start = 0
  for (let end = bytes.indexOf(10); end >= 0 && isUtf8(bytes.subarray(start, end)); end = bytes.indexOf(10, start)) {
    start = end + 1
    line += 1
  }
  const column = new TextDecoder().decode(bytes.subarray(start)).indexOf('\uFFFD') + 1
  return problemOf(file, 'this byte is not UTF-8', { line, column, hint: 'save the file as UTF-8' })
}

const isLink = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true

function unreadable(path: string, error: unknown): Problem {
  const { code } = systemError(error)
  switch (code) {
    case 'ENOENT':
      if (isLink(path)) return problemOf(path, 'is a symbolic link to a file that does not exist')
      return problemOf(path, 'does not exist', { hint: 'name a file or a directory with --config or TAILSHIP_CONFIG' })
    case 'ENOTDIR':
      return problemOf(path, `does not exist: ${dirname(path)} is not a directory`)
    case 'EISDIR':
      return problemOf(path, 'is a directory', { hint: `${basename(path)} must be a file here` })
    case 'EACCES':
    case 'EPERM':
      return problemOf(path, `cannot be read by uid ${geteuid?.() ?? '?'} (${code})`, {
        hint: 'let that user read the file and enter every directory above it, or run as another user',
      })
    default:
      return problemOf(path, `cannot be read (${code})`)
  }
}
