import { randomBytes } from 'node:crypto'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { type Codec, compress } from '../../src/ship/compress.ts'

/** A copy: the frame's own memory is used again. */
async function compressed(pieces: readonly Uint8Array[], codec: Codec): Promise<Buffer> {
  const frame = await compress(pieces, codec)
  const copy = Buffer.from(frame.bytes)
  frame.release()
  return copy
}

describe('compress', () => {
  const pieces = ['[', '{"a":1},'.repeat(400_000), '{"a":2}', ']'].map((text) => Buffer.from(text))

  it('makes one zstd frame of several pieces, with the size in its header', async () => {
    const frame = await compressed(pieces, { compression: 'zstd', level: 1 })
    expect(zstdDecompressSync(frame).equals(Buffer.concat(pieces))).toBe(true)
    // RFC 8878: bits 6 and 7 of the descriptor say how long the field of the content's size is; 2: four bytes.
    expect((frame[4] ?? 0) >> 6).toBe(2)
  })

  it('makes one gzip member of several pieces', async () => {
    const member = await compressed(pieces, { compression: 'gzip', level: 1 })
    expect(gunzipSync(member).equals(Buffer.concat(pieces))).toBe(true)
  })

  it('obeys the level', async () => {
    const noise = Array.from({ length: 50_000 }, (_, index) => `${index ** 2 % 7919},`).join('')
    const [fast, small] = await Promise.all(
      [1, 15].map((level) => compressed([Buffer.from(noise)], { compression: 'zstd', level })),
    )
    expect(small?.length).toBeLessThan(fast?.length ?? 0)
  })

  it('keeps what does not shrink whole', async () => {
    const noise = randomBytes(3_000_000)
    const frame = await compressed([noise], { compression: 'zstd', level: 1 })
    expect(frame.length).toBeGreaterThan(1_500_000)
    expect(zstdDecompressSync(frame).equals(noise)).toBe(true)
  })

  it.each([
    ['zstd', zstdDecompressSync],
    ['gzip', gunzipSync],
  ] as const)('makes whole %s frames one after the other and at the same time', async (compression, decompress) => {
    const bodies = Array.from({ length: 12 }, (_, index) => randomBytes(index ** 5 + 1).toString('base64'))
    const one = async (body: string) => compressed([Buffer.from(body)], { compression, level: 1 })
    const together = await Promise.all(bodies.map(one))
    const apart: Uint8Array[] = []
    for (const body of bodies) apart.push(await one(body))
    expect(together.map((frame) => decompress(frame).toString())).toEqual(bodies)
    expect(apart.map((frame) => decompress(frame).toString())).toEqual(bodies)
  })

  it.each(['zstd', 'gzip'] as const)(
    'writes %s frames into the same memory again once they are released',
    async (compression) => {
      const codec = { compression, level: 2 }
      const [body, other] = [Buffer.from('a'.repeat(3_000_000)), Buffer.from('b'.repeat(2_000_000))]
      const first = await compress([body], codec)
      const meanwhile = await compress([body], codec)
      const { buffer, byteOffset } = first.bytes
      expect(meanwhile.bytes.buffer).not.toBe(buffer)
      first.release()
      const again = await compress([other], codec)
      expect([again.bytes.buffer, again.bytes.byteOffset]).toEqual([buffer, byteOffset])
      meanwhile.release()
      again.release()
    },
  )

  it('gives up the memory that only a burst needed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    try {
      const codec = { compression: 'zstd', level: 3 } as const
      const once = () => compress([Buffer.from('a'.repeat(1000))], codec)
      const [burst, steady] = [await once(), await once()]
      const memories = new Set([burst.bytes.buffer, steady.bytes.buffer])
      burst.release()
      steady.release()
      vi.advanceTimersByTime(20_000)
      const later = await once()
      expect(later.bytes.buffer).toBe(steady.bytes.buffer)
      later.release()
      vi.advanceTimersByTime(15_000)
      const [again, anew] = [await once(), await once()]
      expect(again.bytes.buffer).toBe(steady.bytes.buffer)
      expect(memories.has(anew.bytes.buffer)).toBe(false)
      again.release()
      anew.release()
    } finally {
      vi.useRealTimers()
    }
  })
})
