import { openPositions } from '../../src/agent/positions.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/observe/log.ts'

/** Run as a process of its own, because it gives up its rights: what the log says of the run path of a configuration. */
const loading = await loadConfig({ paths: [process.argv[2] ?? ''], env: {} })
if (loading.kind !== 'loaded') throw new Error('no configuration')
process.setuid?.(65_534)
const log = createLog({ level: 'error', sink: (line) => process.stdout.write(line) })
await openPositions({ config: loading.config, log, holder: 'nobody', startedAtMs: 0 })
