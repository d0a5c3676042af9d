import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemError } from '../../system/system-error.ts'

/** The current mount points; empty where the system does not report them. */
export type MountPoints = () => ReadonlySet<string>

export const linuxMountPoints: MountPoints = () => {
  try {
    return parseMountPoints(readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch (error) {
    systemError(error)
    return new Set()
  }
}

const MOUNT_POINT = 4

/** The mount points in the text of /proc/<pid>/mountinfo (proc_pid_mountinfo(5)), where blanks are escaped in octal. */
export function parseMountPoints(mountinfo: string): ReadonlySet<string> {
  const points = new Set<string>()
  for (const line of mountinfo.split('\n')) {
    const point = line.split(' ')[MOUNT_POINT]
    if (point?.startsWith('/')) points.add(unescapeOctal(point))
  }
  return points
}

/** Names are bytes: non-ASCII ones are not escaped in the text. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The warning for a file that is mounted on its own. */
export function bindMountWarning(path: string): string {
  return `${path} is mounted as a single file: when it is rotated, the mount keeps showing the old file and nothing new is seen; mount its directory ${dirname(path)} instead`
}
