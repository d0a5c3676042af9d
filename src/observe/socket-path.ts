/** `sun_path` has 108 bytes and ends in NUL (unix(7)); a longer path would be cut. */
const MAX_SOCKET_PATH_BYTES = 107

/** Returns what is wrong with a path as a unix socket address; undefined if nothing is. */
export function socketPathProblem(path: string): string | undefined {
  const length = new TextEncoder().encode(path).length
  if (length <= MAX_SOCKET_PATH_BYTES) return undefined
  return `${path} is ${length} bytes long, and the path of a unix socket may have at most ${MAX_SOCKET_PATH_BYTES}: choose a shorter one`
}
