import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const src = join(import.meta.dirname, '../src')

/**
 * What each folder of src imports from other folders: nothing else, and all of it. The files that lie in src itself are
 * everybody's vocabulary.
 */
const imports: Readonly<Record<string, readonly string[]>> = {
  system: [],
  config: ['system'],
  process: ['config'],
  checkpoint: ['system'],
  observe: [],

  'tail/file': ['checkpoint', 'config'],
  'tail/names': ['config', 'tail/file'],
  'tail/cursor': ['checkpoint', 'tail/file'],
  'tail/generation': ['checkpoint', 'config', 'tail/cursor', 'tail/file', 'tail/names'],
  'tail/lineage': ['checkpoint', 'tail/cursor', 'tail/file', 'tail/generation', 'tail/names'],
  'tail/sources': ['checkpoint', 'config', 'system', 'tail/file', 'tail/generation', 'tail/lineage', 'tail/names'],
  'tail/schedule': ['tail/file', 'tail/lineage'],
  tail: [
    ...['checkpoint', 'config', 'tail/cursor', 'tail/file', 'tail/generation', 'tail/lineage', 'tail/names'],
    ...['tail/schedule', 'tail/sources'],
  ],

  'ship/body': [],
  'ship/dead-letter': ['system'],
  'ship/filling': ['process', 'ship/body', 'ship/dead-letter'],
  'ship/http': ['config', 'ship'],
  'ship/destinations': ['config', 'ship', 'ship/body', 'ship/http'],
  'ship/delivery': ['config', 'process', 'ship', 'ship/body', 'ship/dead-letter', 'ship/filling', 'ship/http'],
  ship: ['config', 'process', 'ship/body', 'ship/dead-letter', 'ship/delivery', 'ship/filling', 'system'],

  agent: [
    ...['checkpoint', 'config', 'observe', 'process', 'ship', 'ship/dead-letter', 'ship/delivery', 'ship/destinations'],
    ...['system', 'tail', 'tail/cursor', 'tail/file', 'tail/generation', 'tail/lineage', 'tail/sources'],
  ],
  demo: ['config', 'observe', 'system'],
  cli: [
    ...['agent', 'checkpoint', 'config', 'demo', 'observe', 'ship', 'ship/dead-letter', 'ship/delivery'],
    ...['ship/destinations', 'ship/http', 'system', 'tail/file', 'tail/names'],
  ],
}

/** `tail/cursor` of `tail/cursor/proof.ts`; deeper folders belong to the one they are in. */
function folderOf(path: string): string {
  const folders = dirname(path).split('/')
  return folders.slice(0, ['tail', 'ship'].includes(folders[0] ?? '') ? 2 : 1).join('/')
}

function importedBy(folder: string): readonly string[] {
  const files = globSync('**/*.ts', { cwd: src }).filter((path) => folderOf(path) === folder)
  const imported = files.flatMap((path) => {
    const text = readFileSync(join(src, path), 'utf8')
    const targets = [...text.matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(([, target = '']) => target)
    return targets.map((target) => folderOf(join(dirname(path), target)))
  })
  return [...new Set(imported)].filter((target) => target !== folder && target !== '.').toSorted()
}

it.each(Object.entries(imports))('src/%s imports what it may', (folder, allowed) => {
  expect(importedBy(folder)).toEqual(allowed.toSorted())
})

it('no folder is left out', () => {
  const folders = new Set(globSync('**/*.ts', { cwd: src }).map(folderOf))
  expect([...folders].filter((folder) => folder !== '.').toSorted()).toEqual(Object.keys(imports).toSorted())
})
