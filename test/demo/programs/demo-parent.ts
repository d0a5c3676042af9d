import { join } from 'node:path'
import { playDemo } from '../../../src/demo/demo.ts'
import { fakeIo } from '../../cli/fake-io.ts'
import { watchChildren } from '../processes.ts'

/** A demo in a process of its own. Tells the process ids of its children and its output, and waits to be killed. */
watchChildren((child) => process.send?.(child.pid))
const io = fakeIo({
  onWrite: (text) => {
    process.send?.(text)
    return false
  },
})
const program = join(import.meta.dirname, 'idle-agent.ts')
const settings = { seed: 1, destination: 'datadog', eventsPerSecond: 100, json: false, program } as const
await playDemo({ ...settings, durationMs: 60_000 }, io)
