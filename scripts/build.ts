import { build } from 'rolldown'
import { leanBuiltinOf, leanBuiltins } from './lean-builtins.ts'
import { leanUndici } from './lean-undici.ts'
import { licenses, packageOf } from './licenses.ts'

/** Bundles dist/, which `bin/agent` and the image run: docs/decisions/one-bundle.md. */
await build({
  input: {
    main: 'src/main.ts',
    'demo/guard': 'src/demo/guard.ts',
    'demo/audit-writer': 'src/demo/audit-writer.ts',
  },
  platform: 'node',
  logLevel: 'warn',
  output: {
    dir: 'dist',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    comments: false,
    // Not minified, for stack traces. ASCII, because a single other character makes V8 store the whole file as UTF-16.
    minify: false,
    charset: 'ascii',
    codeSplitting: {
      groups: [
        // It locates the other programs relative to its own file.
        { name: 'demo/child', test: /[\\/]src[\\/]demo[\\/]child\.ts$/ },
        // All that a probe loads, in one file: each additional file costs a millisecond.
        {
          name: 'probe',
          test: /[\\/]src[\\/](?:(?:json|run-path)|cli[\\/](?:find-run-path|arguments|color|health|status)|observe[\\/](?:agent-socket|line|socket-path))\.ts$/,
        },
        { name: leanBuiltinOf, debugName: 'a file for each module of Node' },
        { name: (id) => packageOf(id)?.name.replace(/^@(.*)\//, '$1-') ?? null, debugName: 'a file for each library' },
      ],
    },
  },
  plugins: [leanBuiltins(), leanUndici(), licenses()],
  // bottleneck uses eval only to load Redis clients, which are never used here.
  checks: { eval: false },
})
