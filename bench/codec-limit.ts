/**
 * `codec-limit.ts FILE CODEC`: the upper bound for a codec. All cores compress 2 MiB blocks of a file held in memory, and
 * nothing else runs.
 */
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { constants, gzip, zstdCompress } from 'node:zlib'
import { startMeasuring } from './limit-figures.ts'

const blockBytes = 2 * 1024 * 1024
const sampleBytes = 128 * 1024 * 1024
const chunkSize = 1_048_576
const zstdLevel1 = { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: 1 } }
const compressors: Readonly<Record<string, (block: Buffer) => Promise<Buffer>>> = {
  gzip: (block) => promisify(gzip)(block, { level: 1, chunkSize }),
  zstd: (block) => promisify(zstdCompress)(block, zstdLevel1),
}

const [, , path = '', codec = ''] = process.argv
const compress = compressors[codec]
if (compress === undefined) throw new Error(`no codec ${codec}`)
const file = await open(path)
const sample = Buffer.allocUnsafeSlow(sampleBytes)
const { bytesRead } = await file.read(sample, 0, sampleBytes, 0)
await file.close()

const report = startMeasuring()
let next = 0
async function work(compressBlock: (block: Buffer) => Promise<Buffer>): Promise<void> {
  while (next < bytesRead) {
    const block = sample.subarray(next, Math.min(next + blockBytes, bytesRead))
    next += blockBytes
    await compressBlock(block)
  }
}
await Promise.all(Array.from({ length: 2 * availableParallelism() }, () => work(compress)))
report(bytesRead)
