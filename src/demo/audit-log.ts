import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, parse } from 'node:path'

/** A file written and rotated as kube-apiserver does through lumberjack v2. */
export interface AuditLog {
  /** One write call for the whole line. Returns the backup's path if the live file was rotated before it. */
  write(line: Uint8Array): string | undefined
  /** Rotates immediately, as the size limit would. Returns the backup's path. */
  rotate(): string | undefined
  close(): void
}

export interface AuditLogOptions {
  readonly path: string
  /** A write that would exceed this size rotates first. */
  readonly maxSizeBytes: number
  /** Rotated files to keep, the newest ones; 0 keeps all. */
  readonly maxBackups: number
  readonly nowMs: () => number
}

interface LiveFile {
  readonly descriptor: number
  size: number
}

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

export function openAuditLog(options: AuditLogOptions): AuditLog {
  let live: LiveFile | undefined
  const close = () => {
    if (live) closeSync(live.descriptor)
    live = undefined
  }
  const rotate = () => {
    close()
    const backup = moveAway(options)
    live = { descriptor: openSync(options.path, 'w', FILE_MODE), size: 0 }
    prune(options)
    return backup
  }
  const write = (line: Uint8Array): string | undefined => {
    live ??= openFound(options, line.length)
    const fits = live !== undefined && live.size + line.length <= options.maxSizeBytes
    const backup = fits ? undefined : rotate()
    if (!live) throw new Error(`${options.path} is not open`)
    const written = writeSync(live.descriptor, line)
    live.size += written
    if (written !== line.length) throw new Error(`${options.path}: wrote ${written} of ${line.length} bytes`)
    return backup
  }
  return { write, rotate, close }
}

/** The file of an earlier writer, if the next line fits. Only this first open uses O_APPEND. */
function openFound({ path, maxSizeBytes }: AuditLogOptions, incoming: number): LiveFile | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size
  if (size === undefined || size + incoming >= maxSizeBytes) return undefined
  return { descriptor: openSync(path, 'a', FILE_MODE), size }
}

function moveAway({ path, nowMs }: AuditLogOptions): string | undefined {
  mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
  if (!existsSync(path)) return undefined
  const backup = backupPath(path, nowMs())
  renameSync(path, backup)
  return backup
}

/**
 * `audit.log` becomes `audit-2026-11-20T14-33-45.420.log`: UTC, the moment of rotation. lumberjack overwrites if two
 * rotations fall into one millisecond; here the later one takes the next free millisecond, since nothing may be lost.
 */
function backupPath(path: string, nowMs: number): string {
  const { dir, name, ext } = parse(path)
  const stamp = new Date(nowMs).toISOString().slice(0, 23).replaceAll(':', '-')
  const backup = join(dir, `${name}-${stamp}${ext}`)
  return existsSync(backup) ? backupPath(path, nowMs + 1) : backup
}

function prune({ path, maxBackups }: AuditLogOptions): void {
  if (maxBackups === 0) return
  const { dir, name, ext } = parse(path)
  const stamped = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/
  const backups = readdirSync(dir)
    .filter((file) => file.startsWith(`${name}-`) && file.endsWith(ext))
    .filter((file) => stamped.test(file.slice(name.length + 1, file.length - ext.length)))
    .sort()
  for (const file of backups.slice(0, -maxBackups)) rmSync(join(dir, file))
}
