/** The settings from one place: a file, the environment, the defaults. A key may be absent. */
export type Layer<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** Returns, for every key, the value from the first layer that has it, else the default. */
export function layered<T extends object>(defaults: T, ...layers: readonly (Layer<T> | undefined)[]): T {
  const result = { ...defaults }
  for (const layer of layers.toReversed()) {
    for (const key in layer) {
      const value = layer[key]
      if (value !== undefined) result[key] = value
    }
  }
  return result
}
