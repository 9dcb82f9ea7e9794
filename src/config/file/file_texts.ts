/**
 * Reads the files of a configuration, and says why one cannot be read.
 */
import { isAbsolute, resolve } from "node:path";
import { decodeText } from "../values/decoded_text.ts";
import type { FileText } from "../values/sources.ts";

/** The files of a configuration, each read once. Relative paths start at its directory. */
export class FileTexts {
  readonly #directory: string;
  readonly #readFile: (path: string) => Promise<Uint8Array>;
  readonly #texts = new Map<string, FileText>();

  /** @param directory Absolute path of the configuration's directory. */
  constructor(directory: string, readFile: (path: string) => Promise<Uint8Array>) {
    this.#directory = directory;
    this.#readFile = readFile;
  }

  /** The text of a file that was read, without the last line break, which programs add to secrets. */
  secret(path: string): FileText {
    const text = this.#texts.get(path) ?? { failure: "it is not known" };
    return "content" in text ? { content: text.content.replace(/\r?\n$/, "") } : text;
  }

  async read(path: string): Promise<FileText> {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const absolute = resolve(this.#directory, path);
    let text: FileText;
    try {
      text = decodeText(await this.#readFile(absolute));
    } catch (error) {
      const isElsewhere = error instanceof Deno.errors.NotFound && !isAbsolute(path);
      text = { failure: isElsewhere ? `no such file at ${absolute}` : fileFailure(error) };
    }
    this.#texts.set(path, text);
    return text;
  }
}

/** The message about a missing file of the command line: with the start of a relative path. */
export function noSuchFile(path: string): string {
  if (isAbsolute(path)) return "no such file";
  return `no such file; ${path} is taken from the working directory, ${resolve()}`;
}

function fileFailure(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  return error instanceof Error ? error.message : "unknown reason";
}
