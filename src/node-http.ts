import { createRequire } from 'node:module'

/**
 * `import` of node:http asks for all its exports, and one of them loads a second undici, the one inside Node: 15 MB of
 * memory and 25 ms of CPU (Node 26). `require` asks for what is used.
 */
export const { createServer, STATUS_CODES } = createRequire(import.meta.url)('node:http') as typeof import('node:http')
