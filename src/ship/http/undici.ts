import connect from 'undici/lib/api/api-connect.js'
import buildConnector from 'undici/lib/core/connect.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import Pool from 'undici/lib/dispatcher/pool.js'
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'

/**
 * The parts of undici in use, each from its own file: the package's entry point also loads fetch, WebSocket, caches and
 * mocks, which take 4 MB of memory and 50 ms of CPU. The entry point also adds `connect`, on which ProxyAgent depends.
 */
Object.assign(Dispatcher.prototype, { connect })

export { buildConnector, Pool, ProxyAgent }
