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
    // Names stay, for stack traces. One character beyond ASCII would make V8 hold its whole file in two bytes a character.
    minify: false,
    charset: 'ascii',
    codeSplitting: {
      groups: [
        // It looks for the other programs where it lies itself.
        { name: 'demo/child', test: /[\\/]src[\\/]demo[\\/]child\.ts$/ },
        // What a probe loads, in one file: each more is a millisecond.
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
  // The one in bottleneck is its way of loading Redis clients, which nothing here asks for.
  checks: { eval: false },
})
