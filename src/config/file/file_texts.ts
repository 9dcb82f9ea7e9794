/**
 * The texts of the files that make up a configuration, and why one cannot be had.
 *
 * @module
 */
import { isAbsolute, resolve } from "node:path";
import type { FileText } from "../values/sources.ts";

/** The files a configuration refers to, each read once. Paths are relative to the configuration. */
export class FileTexts {
  readonly #directory: string;
  readonly #readTextFile: (path: string) => Promise<string>;
  readonly #texts = new Map<string, FileText>();
  readonly #wanted = new Set<string>();

  /** @param directory Absolute path of the configuration's directory. */
  constructor(directory: string, readTextFile: (path: string) => Promise<string>) {
    this.#directory = directory;
    this.#readTextFile = readTextFile;
  }

  /** Has a file read by {@linkcode readWanted}. */
  readonly want = (path: string): FileText => {
    this.#wanted.add(path);
    return { content: "" };
  };

  /** What programs write to secret files ends with a line break that is no part of the secret. */
  readonly get = (path: string): FileText => {
    const text = this.#texts.get(path) ?? { failure: "it is not known" };
    return "content" in text ? { content: text.content.replace(/\r?\n$/, "") } : text;
  };

  /** Reads what was wanted. */
  async readWanted(): Promise<void> {
    for (const path of this.#wanted) await this.read(path);
  }

  /**
   * Reads a file, once.
   *
   * @returns Its text, or why there is none.
   */
  async read(path: string): Promise<FileText> {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const absolute = resolve(this.#directory, path);
    let text: FileText;
    try {
      text = { content: await this.#readTextFile(absolute) };
    } catch (error) {
      const isElsewhere = error instanceof Deno.errors.NotFound && !isAbsolute(path);
      text = { failure: isElsewhere ? `no such file at ${absolute}` : fileFailure(error) };
    }
    this.#texts.set(path, text);
    return text;
  }
}

/**
 * Says that a file is not there which someone has named to the program itself.
 *
 * @returns That it is not there, and where a relative path begins: that may be what is wrong.
 *
 * @example
 * ```ts
 * import { noSuchFile } from "./file_texts.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(noSuchFile("/etc/gateway.json"), "no such file");
 * assert.match(noSuchFile("gateway.json"), /; gateway.json is taken from the working directory, /);
 * ```
 */
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
