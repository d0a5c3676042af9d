import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { type Loading, loadConfig } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/problem.ts'
import type { Environment } from '../../src/io.ts'

/** A directory with these files, gone after the test. */
export function directoryOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'config-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  return directory
}

export const key = { DD_API_KEY: 'k3y' }
export const item = 'logs:\n  - {type: file, path: /var/log/audit.log}\n'

/** Loads one file with this text; every file it names is there. */
export function loading(text: string, env: Environment = key): Promise<Loading> {
  const directory = directoryOf({ 'conf.yaml': text })
  return loadConfig({
    paths: [join(directory, 'conf.yaml')],
    env,
    hostnameOf: () => 'host.example',
    exists: () => true,
  })
}

/** The configuration in this text; fails when there is anything wrong with it. */
export async function configOf(text: string, env?: Environment): Promise<Config> {
  const result = await loading(text, env)
  if (result.kind === 'invalid' || result.problems.length > 0) throw new Error(JSON.stringify(result.problems))
  return result.config
}

export async function problemsOf(text: string, env?: Environment): Promise<readonly Problem[]> {
  return (await loading(text, env)).problems
}

/** `line:column message`, and the hint behind an arrow. */
export async function told(text: string, env?: Environment): Promise<readonly string[]> {
  return (await problemsOf(text, env)).map(brief)
}

export function brief({ line, column, message, hint, scope }: Problem): string {
  const place = line === undefined ? '' : `${line}:${column} `
  return `${place}${scope === 'warning' ? 'warning: ' : ''}${message}${hint === undefined ? '' : ` → ${hint}`}`
}
