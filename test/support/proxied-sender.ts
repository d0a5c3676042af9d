/** For tests of what stops a whole process: `fork('proxied-sender.ts', [url, proxy])` sends one request. Exits with 0 if it is delivered. */
import { createDestination } from '../../src/ship/destinations/create.ts'
import { datadogConfig, sendRequest } from './destination-config.ts'

const [url = '', http] = process.argv.slice(2)
const config = datadogConfig(url, { proxy: { http, https: undefined, noProxy: [] } })
const context = { hostname: 'node-1', version: '1.2.3', maxLineBytes: 1_000_000, warn: () => undefined }
const verdict = await createDestination(config, context).send(sendRequest('["a"]'), new AbortController().signal)
process.exit(verdict.kind === 'delivered' ? 0 : 1)
