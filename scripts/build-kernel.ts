import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import asc from 'assemblyscript/asc'

const source = fileURLToPath(new URL('../src/ship/body/kernel/main.as.ts', import.meta.url))
const artefact = fileURLToPath(new URL('../src/ship/body/kernel.wasm.ts', import.meta.url))

/** Compiles the kernel to a WebAssembly module. */
export async function compileKernel(): Promise<Uint8Array> {
  const directory = await mkdtemp(join(tmpdir(), 'kernel-'))
  try {
    const output = join(directory, 'kernel.wasm')
    const flags = '-O3 --converge --noAssert --runtime stub --importMemory --use abort='.split(' ')
    const features = ['--enable', 'simd', '--enable', 'relaxed-simd']
    const paths = [source, '--baseDir', dirname(source), '--outFile', output]
    const { error, stderr } = await asc.main([...paths, ...flags, ...features])
    if (error !== null) throw new Error(stderr.toString())
    return await readFile(output)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** The module as TypeScript source, so that loading it needs no file access, even from a bundle. */
export function artefactOf(module: Uint8Array): string {
  const base64 = Buffer.from(module).toString('base64')
  const lines = base64.match(/.{1,110}/g) ?? []
  return `/** kernel/main.as.ts, compiled by scripts/build-kernel.ts. */
export const KERNEL_WASM = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('')
`
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const module = await compileKernel()
  await writeFile(artefact, artefactOf(module))
  process.stdout.write(`${artefact}: ${module.length} bytes\n`)
}
