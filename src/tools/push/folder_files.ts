/**
 * Lists the files of a folder and its subfolders. Follows links; lists each folder once, so that cycles
 * of links end, and reports the others.
 */
import { basename, join } from "node:path";
import { reasonOf } from "../../errors/reason.ts";

/** A file, or the reason why a file or folder cannot be read or is left out. */
export type FoundFile =
  & {
    /** Path relative to the folder. */
    readonly path: string;
  }
  & (
    | { readonly size: number; readonly modifiedAtMs: number }
    | { readonly fault: string }
    | { readonly skipped: string }
  );

/**
 * Lists a folder in the order of names, which are held in memory for one folder per level.
 *
 * @param root The folder, or a single file: that is listed alone, by its name.
 * @throws When it cannot be read.
 */
export async function* folderFiles(root: string): AsyncGenerator<FoundFile> {
  const info = await Deno.stat(root);
  if (info.isFile) yield fileOf(basename(root), info);
  else yield* filesIn(root, "", new Map());
}

function fileOf(path: string, { size, mtime }: Deno.FileInfo): FoundFile {
  return { path, size, modifiedAtMs: mtime?.getTime() ?? 0 };
}

async function* filesIn(
  root: string,
  folder: string,
  /** The listed folders, by their real paths. */
  seen: Map<string, string>,
): AsyncGenerator<FoundFile> {
  let names: string[];
  try {
    const real = await Deno.realPath(join(root, folder));
    const first = seen.get(real);
    if (first !== undefined) {
      return yield { path: folder, skipped: `a link: the same folder as ${first || root}` };
    }
    seen.set(real, folder);
    names = await Array.fromAsync(Deno.readDir(real), ({ name }) => name);
  } catch (error) {
    if (folder === "") throw error;
    return yield { path: folder, fault: `the folder cannot be read: ${fileFault(error)}` };
  }
  for (const name of names.sort()) {
    const path = join(folder, name);
    let info: Deno.FileInfo;
    try {
      info = await Deno.stat(join(root, path));
    } catch (error) {
      yield { path, fault: `cannot be read: ${fileFault(error)}` };
      continue;
    }
    if (info.isDirectory) yield* filesIn(root, path, seen);
    else if (info.isFile) yield fileOf(path, info);
  }
}

/** The reason why a file cannot be read, without its path. */
export function fileFault(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.FilesystemLoop) return "the link leads to itself";
  const text = reasonOf(error);
  return text.split(": ")[0] ?? text;
}
