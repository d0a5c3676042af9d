import type { Plugin } from 'rolldown'

/** What is written in undici's `lib/dispatcher`, and what the bundle has instead. */
const edits = {
  // Brings node:http2 and node:tls: 3 MB. Loaded when a server speaks it.
  'client.js': [
    "const connectH2 = require('./client-h2.js')",
    "const connectH2 = (...args) => require('./client-h2.js')(...args)",
  ],
  // An experiment that an environment variable chooses.
  'parser-h1.js': ["process.env.UNDICI_USE_MILO === '1' || process.env.UNDICI_USE_MILO === 'true'", 'false'],
} as const

/** That parser's module: 165 KB of text. */
const experiment = /[\\/]undici[\\/]lib[\\/]milo[\\/]/

/**
 * undici without what an agent on HTTP/1.1 does not run. The build fails when undici is no longer made that way.
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
