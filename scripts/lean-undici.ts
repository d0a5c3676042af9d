import type { Plugin } from 'rolldown'

const EAGER = "const connectH2 = require('./client-h2.js')"
const LAZY = "const connectH2 = (...args) => require('./client-h2.js')(...args)"

/**
 * undici without what an agent on HTTP/1.1 does not run. HTTP/2, which brings node:http2 and node:tls (3 MB), is loaded when
 * a server speaks it. The experimental parser, which only an environment variable chooses, is left out: 165 KB of text.
 * The build fails when undici is no longer made that way.
 */
export function leanUndici(): Plugin {
  return {
    name: 'lean-undici',
    load: {
      filter: { id: /[\\/]undici[\\/]lib[\\/]milo[\\/]/ },
      handler: () => "throw new Error('UNDICI_USE_MILO: this parser is not part of the bundle')",
    },
    transform: {
      filter: { id: /[\\/]undici[\\/]lib[\\/]dispatcher[\\/]client\.js$/ },
      handler(code) {
        if (!code.includes(EAGER)) throw new Error(`undici's client has no "${EAGER}" any more`)
        return code.replace(EAGER, LAZY)
      },
    },
  }
}
