import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // As long as test/support/until.ts: what must come is waited for, however slow the machine is.
    expect: { poll: { timeout: 20_000 } },
  },
})
