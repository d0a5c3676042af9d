import { writeSync } from 'node:fs'
import { openLock } from '../../src/checkpoint/lock.ts'

// Takes the lock of a directory in the name it is given, says how that went, and stays until it is killed.
const [dir = '', holder = ''] = process.argv.slice(2)
const lock = await openLock(dir, holder)
writeSync(1, `${JSON.stringify(lock)}\n`)
if (lock.kind === 'locked') setInterval(() => {}, 60_000)
