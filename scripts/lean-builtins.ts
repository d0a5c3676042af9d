import { isBuiltin } from 'node:module'
import type { Plugin } from 'rolldown'

const PREFIX = '\0lean:'

/** `node-fs-promises` for `node:fs/promises`; null if `id` is not a Node built-in. */
export function leanBuiltinOf(id: string): string | null {
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length).replaceAll(/\W/g, '-') : null
}

/**
 * Keeps the lazy exports of Node's built-in modules lazy. A plain `import` reads every export, which loads WebCrypto with
 * node:crypto and a second undici, 13 MB, with node:http.
 */
export function leanBuiltins(): Plugin {
  return {
    name: 'lean-builtins',
    resolveId: (id, _importer, { kind }) => (kind === 'import-statement' && isBuiltin(id) ? PREFIX + id : null),
    load(id) {
      if (!id.startsWith(PREFIX)) return null
      const name = id.slice(PREFIX.length)
      const names = Object.keys(process.getBuiltinModule(name) ?? {}).filter((key) => /^[a-z_]\w*$/i.test(key))
      // Marked pure, so that the bundler drops exports that nothing imports.
      const reads = names.map((key) => `export const ${key} = /* @__PURE__ */ Reflect.get(builtin, '${key}')`)
      return [`const builtin = process.getBuiltinModule('${name}')`, 'export default builtin', ...reads].join('\n')
    },
  }
}
