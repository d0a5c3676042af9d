import type { Parameters } from 'fast-check'

const { TAILSHIP_MODEL_RUNS: runs, TAILSHIP_MODEL_SEED: seedText, TAILSHIP_MODEL_PATH: path } = process.env

/**
 * Part of each test's name, so that TAILSHIP_MODEL_SEED can repeat a run. Fixed by default; random if a number of runs is
 * given, in order to explore.
 */
export const seed = Number(seedText ?? (runs === undefined ? 20_261_125 : Date.now() % 1_000_000_000))

/** TAILSHIP_MODEL_RUNS sets the number of runs; TAILSHIP_MODEL_PATH goes straight to the one that fast-check reported. */
export function propertyRuns(usual: number): Pick<Parameters, 'seed' | 'numRuns' | 'path'> {
  return { seed, numRuns: Number(runs ?? usual), ...(path === undefined ? {} : { path }) }
}
