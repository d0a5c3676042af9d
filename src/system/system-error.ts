/** An error of the operating system: `code` is the errno's name, `message` names the path, never any content. */
export interface SystemError {
  readonly code: string
  readonly message: string
}

/** Turns a caught error of a system call into a value; anything else is a defect and is rethrown. */
export function systemError(error: unknown): SystemError {
  if (error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string') {
    return { code: error.code, message: error.message }
  }
  throw error
}

/** Whether the caller lacks a permission. */
export function isDenied({ code }: Pick<SystemError, 'code'>): boolean {
  return code === 'EACCES' || code === 'EPERM'
}

/** Resolves with the error of a system call that was refused; with undefined if it succeeded. */
export function attempt(work: Promise<unknown>): Promise<SystemError | undefined> {
  return work.then(() => undefined, systemError)
}

/** Undefined instead of a rejection if the file does not exist. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (systemError(error).code === 'ENOENT') return undefined
    throw error
  }
}
