import type { Plugin } from 'rolldown'

/** Source text in undici's `lib/dispatcher`, and its replacement in the bundle. */
const edits = {
  // Pulls in node:http2 and node:tls, 3 MB: loaded only when a server negotiates HTTP/2.
  'client.js': [
    "const connectH2 = require('./client-h2.js')",
    "const connectH2 = (...args) => require('./client-h2.js')(...args)",
  ],
  // An experimental parser, enabled by an environment variable.
  'parser-h1.js': ["process.env.UNDICI_USE_MILO === '1' || process.env.UNDICI_USE_MILO === 'true'", 'false'],
} as const

/** The experimental parser's module: 165 KB of source. */
const experiment = /[\\/]undici[\\/]lib[\\/]milo[\\/]/

/**
 * undici without the parts that HTTP/1.1 never uses. The build fails if undici is laid out differently.
 */
export function leanUndici(): Plugin {
  const left = new Set<string>(Object.keys(edits))
  return {
    name: 'lean-undici',
    load: (id) => (experiment.test(id) ? 'module.exports = {}' : null),
    transform(code, id) {
      const [, file] = /[\\/]undici[\\/]lib[\\/]dispatcher[\\/](client\.js|parser-h1\.js)$/.exec(id) ?? []
      if (file !== 'client.js' && file !== 'parser-h1.js') return null
      const [written, instead] = edits[file]
      if (!code.includes(written)) throw new Error(`undici's ${file} has no "${written}" any more`)
      left.delete(file)
      return code.replace(written, instead)
    },
    buildEnd() {
      if (left.size > 0) throw new Error(`undici has no lib/dispatcher/${[...left].join(', ')} any more`)
    },
  }
}
