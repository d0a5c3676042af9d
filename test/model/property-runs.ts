import type { Parameters } from 'fast-check'

const { TAILSHIP_MODEL_RUNS: runs, TAILSHIP_MODEL_SEED: seedText, TAILSHIP_MODEL_PATH: path } = process.env

/**
 * In the name of each test, so that a run can be repeated by TAILSHIP_MODEL_SEED. `npm test` tries the same every time; who
 * asks for a number of runs explores.
 */
export const seed = Number(seedText ?? (runs === undefined ? 20_261_125 : Date.now() % 1_000_000_000))

/** As many runs as TAILSHIP_MODEL_RUNS says; TAILSHIP_MODEL_PATH goes straight to the one that fast-check has reported. */
export function propertyRuns(usual: number): Pick<Parameters, 'seed' | 'numRuns' | 'path'> {
  return { seed, numRuns: Number(runs ?? usual), ...(path === undefined ? {} : { path }) }
}
