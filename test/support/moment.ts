import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './until.ts'

/** A moment that lies after all that was done, and before all that will be, also in the clock of the file system. */
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
