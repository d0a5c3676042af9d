import { readFileSync } from 'node:fs'

/** This program's version, from the package.json that makes its files ES modules and therefore always ships with them. */
export function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return manifest.version
}
