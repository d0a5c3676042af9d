import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { artefactOf, compileKernel } from '../../../scripts/build-kernel.ts'

it('the compiled kernel is what its source compiles to', async () => {
  const committed = await readFile(new URL('../../../src/ship/body/kernel.wasm.ts', import.meta.url), 'utf8')
  expect(artefactOf(await compileKernel())).toBe(committed)
})
