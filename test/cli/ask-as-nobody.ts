import { dispatch } from '../../src/cli/dispatch.ts'
import { fakeIo } from './fake-io.ts'

/** Run as a process of its own, because it gives up its rights: a check of the run path it is given. */
const io = fakeIo({ env: { TAILSHIP_RUN_PATH: process.argv[2] } })
// Whatever is imported late is imported while it may still be read.
await import('../../src/cli/unreachable.ts')
if (process.getuid?.() === 0) process.setuid?.(65_534)
process.exitCode = await dispatch(['status', '--check=live'], io)
process.stdout.write(io.stdout.text)
process.stderr.write(io.stderr.text)
