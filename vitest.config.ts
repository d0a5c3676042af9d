import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/property-sizes.ts'],
    // As long as test/support/until.ts waits for one thing. A test that starts process after process may take longer than any
    // of them: its own timeout is only for one that is stuck elsewhere.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 120_000,
    hookTimeout: 30_000,
  },
})
