import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'rolldown'

/** The innermost package that contains a module; undefined for our own modules. */
export function packageOf(id: string): { readonly directory: string; readonly name: string } | undefined {
  const [, directory, name] = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/]/.exec(id) ?? []
  return directory === undefined || name === undefined ? undefined : { directory, name }
}

/**
 * Writes `licenses.txt` next to the bundle, with the licence of every bundled package, as all of them require. The build
 * fails if a package has no licence text.
 */
export function licenses(): Plugin {
  return {
    name: 'licenses',
    async generateBundle(_options, bundle) {
      const ids = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      const directories = new Set(ids.flatMap((id) => packageOf(id)?.directory ?? []))
      const texts = await Promise.all([...directories].sort().map(licenseIn))
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: texts.join('\n\n') })
    },
  }
}

async function licenseIn(directory: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${name} ${version} has no licence text`)
  const title = `${name} ${version} (${license})`
  return `${title}\n${'='.repeat(title.length)}\n\n${(await readFile(join(directory, file), 'utf8')).trim()}\n`
}
