import { readFileSync } from 'node:fs'

/** This program's version. Its package.json always ships with it, because it makes the files ES modules. */
export function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return manifest.version
}
