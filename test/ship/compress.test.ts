import { randomBytes } from 'node:crypto'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compress } from '../../src/ship/compress.ts'

describe('compress', () => {
  const pieces = ['[', '{"a":1},'.repeat(400_000), '{"a":2}', ']'].map((text) => Buffer.from(text))

  it('makes one zstd frame of several pieces, with the size in its header', async () => {
    const frame = Buffer.from(await compress(pieces, { compression: 'zstd', level: 1 }))
    expect(zstdDecompressSync(frame).equals(Buffer.concat(pieces))).toBe(true)
    // RFC 8878: bits 6 and 7 of the descriptor say how long the field of the content's size is; 2: four bytes.
    expect((frame[4] ?? 0) >> 6).toBe(2)
  })

  it('makes one gzip member of several pieces', async () => {
    const member = await compress(pieces, { compression: 'gzip', level: 1 })
    expect(gunzipSync(member).equals(Buffer.concat(pieces))).toBe(true)
  })

  it('obeys the level', async () => {
    const noise = Array.from({ length: 50_000 }, (_, index) => `${index ** 2 % 7919},`).join('')
    const [fast, small] = await Promise.all(
      [1, 15].map((level) => compress([Buffer.from(noise)], { compression: 'zstd', level })),
    )
    expect(small?.length).toBeLessThan(fast?.length ?? 0)
  })

  it('keeps what does not shrink whole, in more than one chunk of output', async () => {
    const noise = randomBytes(3_000_000)
    const frame = await compress([noise], { compression: 'zstd', level: 1 })
    expect(frame.length).toBeGreaterThan(1_500_000)
    expect(zstdDecompressSync(frame).equals(noise)).toBe(true)
  })

  it.each([
    ['zstd', zstdDecompressSync],
    ['gzip', gunzipSync],
  ] as const)('makes whole %s frames one after the other and at the same time', async (compression, decompress) => {
    const bodies = Array.from({ length: 12 }, (_, index) => randomBytes(index ** 5 + 1).toString('base64'))
    const compressed = async (body: string) => compress([Buffer.from(body)], { compression, level: 1 })
    const together = await Promise.all(bodies.map(compressed))
    const apart: Uint8Array[] = []
    for (const body of bodies) apart.push(await compressed(body))
    expect(together.map((frame) => decompress(frame).toString())).toEqual(bodies)
    expect(apart.map((frame) => decompress(frame).toString())).toEqual(bodies)
  })
})
