import { describe, expect, test } from 'vitest'
import { cachedReads } from '../../../src/tail/file/cached-reads.ts'
import { Fault, type Files, nodeFiles } from '../../../src/tail/file/files.ts'

const into = Buffer.alloc(1)

/** A disk whose reads on the main thread take `ms` by the clock given with it; `calls` says how each byte was read. */
function disk(ms: (position: number) => number | Fault) {
  const calls: ('pooled' | 'direct')[] = []
  let nowMs = 0
  const files: Files = {
    ...nodeFiles,
    open: () => 7,
    async read() {
      calls.push('pooled')
      return 1
    },
    readSync(_fd, _into, position) {
      calls.push('direct')
      const took = ms(position)
      if (took instanceof Fault) return took
      nowMs += took
      return 1
    },
  }
  const cached = cachedReads(files, () => nowMs)
  const fd = cached.open('audit.log')
  if (fd instanceof Fault) throw fd
  return { calls, read: (position: number) => cached.read(fd, into, position) }
}

async function readBytes(read: ReturnType<typeof disk>['read'], count: number): Promise<void> {
  for (let position = 0; position < count; position += 1) await read(position)
}

describe('a read', () => {
  test('of the first bytes of a file goes through the pool, the others do not while they are quick', async () => {
    const { calls, read } = disk(() => 0.2)
    await readBytes(read, 4)
    expect(calls).toEqual(['pooled', 'direct', 'direct', 'direct'])
  })

  test.each([
    ['was slow', 20],
    ['failed', new Fault('EIO', 'EIO: read')],
  ])('that %s sends the next sixteen to the pool', async (_, took) => {
    const { calls, read } = disk((position) => (position === 1 ? took : 0.2))
    await readBytes(read, 20)
    expect(calls).toEqual(['pooled', 'direct', ...Array(16).fill('pooled'), 'direct', 'direct'])
  })

  test('lets what else is waiting have its turn', async () => {
    const { read } = disk(() => 0)
    let isOver = false
    setTimeout(() => {
      isOver = true
    })
    let reads = 0
    while (!isOver && reads < 1e6) reads += await read(reads).then(Number)
    expect(isOver).toBe(true)
  })
})
