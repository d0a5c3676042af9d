import { createServer } from 'node:http'
import { dirname, join } from 'node:path'

/** Says that all is well, and delivers nothing. Called as `idle-agent.ts run --config <directory>/conf.yaml`. */
const status = {
  schema: 'tailship.status/v1',
  startedAt: 'now',
  state: 'running',
  destinations: [],
  sources: [],
  process: { rssBytes: 1 },
}
const server = createServer((_, response) => response.end(JSON.stringify(status)))
server.listen(join(dirname(process.argv[4] ?? ''), 'run', 'agent.sock'))
process.once('SIGTERM', () => process.exit(0))
