import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './until.ts'

/** Returns a time after everything done so far and before everything done later, by the file system's clock, too. */
export async function moment(dir: string): Promise<number> {
  const probe = join(dir, 'probe')
  const tell = () => {
    writeFileSync(probe, '')
    return statSync(probe).mtimeMs
  }
  const done = Date.now()
  await until(() => tell() > done + 20)
  const now = Math.floor(tell())
  await until(() => tell() > now + 1)
  rmSync(probe)
  return now
}
