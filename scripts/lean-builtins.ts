import { isBuiltin } from 'node:module'
import type { Plugin } from 'rolldown'

const PREFIX = '\0lean:'

/** `node-fs-promises` for `node:fs/promises`; null for what is none of Node's. */
export function leanBuiltinOf(id: string): string | null {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length).replaceAll(/\W/g, '-') : null
}

/**
 * Node's own modules without what they load only when it is read. An `import` of one reads all that it exports, and so
 * brings WebCrypto with node:crypto and a second undici, 13 MB, with node:http.
 */
export function leanBuiltins(): Plugin {
  return {
    name: 'lean-builtins',
    resolveId: (id, _importer, { kind }) => (kind === 'import-statement' && isBuiltin(id) ? PREFIX + id : null),
    load(id) {
      if (!id.startsWith(PREFIX)) return null
      const name = id.slice(PREFIX.length)
      const names = Object.keys(process.getBuiltinModule(name) ?? {}).filter((key) => /^[a-z_]\w*$/i.test(key))
      // Pure: the bundler drops what nothing imports.
      const reads = names.map((key) => `export const ${key} = /* @__PURE__ */ Reflect.get(builtin, '${key}')`)
      return [`const builtin = process.getBuiltinModule('${name}')`, 'export default builtin', ...reads].join('\n')
    },
  }
}
