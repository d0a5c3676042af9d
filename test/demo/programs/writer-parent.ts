import { join } from 'node:path'
import { createWriter } from '../../../src/demo/writer.ts'

/** A process with a writer that has nothing to say: tells the writer's process id, and waits to be killed. */
const [root = ''] = process.argv.slice(2)
const writer = createWriter({
  seed: 1,
  path: join(root, 'audit.log'),
  maxSizeBytes: 1_000_000,
  maxBackups: 0,
  eventsPerSecond: 1e-6,
  onStart: (child) => process.send?.(child.pid),
  onRotation: () => undefined,
  onFailure: () => undefined,
})
writer.start()
