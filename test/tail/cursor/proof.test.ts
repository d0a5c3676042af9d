import { expect, test } from 'vitest'
import { FINGERPRINT_BYTES } from '../../../src/checkpoint/registry.ts'
import { Proof } from '../../../src/tail/cursor/proof.ts'

test('remembers no more than a fingerprint covers, also when the file cannot be read again', () => {
  const proof = new Proof({ offset: 0, marker: { length: 0, hash: '' } })
  const bytes = (length: number) => Buffer.alloc(length, 'x')
  const start = proof.see(bytes(2000), 2000)
  proof.moveTo(2000, start, bytes(FINGERPRINT_BYTES))
  // Short, so that it is seen together with what stands before it.
  const next = proof.see(bytes(900), 2900)
  expect(proof.moveTo(2900, next, undefined).length).toBe(FINGERPRINT_BYTES)
})
