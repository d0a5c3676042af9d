import { configcheck } from '../../src/cli/configcheck.ts'
import { fakeIo } from './fake-io.ts'

/** Run as a process of its own, because it gives up its rights: configcheck of a file. */
const io = fakeIo({ env: {} })
// Whatever is imported late is imported while it may still be read.
await configcheck([process.argv[2] ?? ''], io)
const again = fakeIo({ env: {} })
if (process.getuid?.() === 0) process.setuid?.(65_534)
process.exitCode = await configcheck([process.argv[2] ?? ''], again)
process.stderr.write(again.stderr.text)
