import { writeSync } from 'node:fs'
import { openStore } from '../../src/checkpoint/store.ts'

// Saves 1, 2, 3 … from where it was, and names each number before and after its save, until it is killed.
const store = await openStore({ dir: String(process.argv[2]) })
const padding = 'x'.repeat(20_000)
const { n } = (store.loaded ?? { n: 0 }) as { n: number }
writeSync(1, `loaded ${n} ${store.recovered ?? 'whole'}\n`)
for (let next = n + 1; ; next++) {
  writeSync(1, `start ${next}\n`)
  const result = await store.save({ n: next, padding })
  writeSync(1, `${result.kind} ${next}\n`)
}
