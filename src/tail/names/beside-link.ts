import { basename, dirname, join } from 'node:path'
import { Fault } from '../file/files.ts'
import type { DirectoryListing } from './directory-listings.ts'

/**
 * The rotated names beside a live path that is a link to files with a date in their names, as cronolog and `rotatelogs -L` make it.
 * `own`: the directory of the link; `listing`: that of the file, behind any links.
 */
export function besideLink(
  path: string,
  file: { readonly directory: string; readonly name: string },
  { own, listing }: { readonly own: DirectoryListing; readonly listing: DirectoryListing | Fault },
): readonly string[] {
  const isShared = !(listing instanceof Fault) && own.id === listing.id
  if (isShared && basename(path) === file.name) return []
  return own.rotatedOf(basename(path)).map((name) => join(isShared ? file.directory : dirname(path), name))
}
