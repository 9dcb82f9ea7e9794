/**
 * `${NAME}`, `${NAME:-default}` and `${file:PATH}` in the strings of a configuration. Defaults and
 * paths may contain further `${…}`; the contents of variables and files are not expanded. `$${` is a
 * plain `${`. No message contains a part of the string, which may be a secret.
 */
import type { FileText } from "../values/sources.ts";
import { unreadableFile } from "../values/unreadable_file.ts";

export interface SubstitutionSources {
  /** The value of an environment variable; `undefined` if it is not set. */
  readonly variable: (name: string) => string | undefined;
  readonly file: (path: string) => FileText;
}

/** The value of a variable or the content of a file that became a part of a string. */
export interface SubstitutedPart {
  readonly from: "variable" | "file";
  /** Name of the variable or path of the file, as written. */
  readonly name: string;
  readonly content: string;
}

interface SubstitutionFault {
  /** Whether a variable or file is absent; otherwise it is damaged, or the syntax is wrong. */
  readonly absent: boolean;
  readonly message: string;
}

const DEEPEST = 8;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const MISFORMED = "contains a ${ that is none of ${NAME}, ${NAME:-default} and ${file:PATH}; " +
  "write $${ for a plain ${";

/** Replaces the references in a string. If there are faults, the value is meaningless. */
export function substitute(text: string, sources: SubstitutionSources): {
  readonly value: string;
  readonly faults: readonly SubstitutionFault[];
  readonly parts: readonly SubstitutedPart[];
} {
  if (!text.includes("${")) return { value: text, faults: [], parts: [] };
  const reader = new ReferenceReader(text, sources);
  const value = reader.readText(0);
  return { value, faults: reader.faults, parts: reader.parts };
}

class ReferenceReader {
  readonly faults: SubstitutionFault[] = [];
  readonly parts: SubstitutedPart[] = [];
  readonly #text: string;
  readonly #sources: SubstitutionSources;
  #at = 0;
  #misformed = false;

  constructor(text: string, sources: SubstitutionSources) {
    this.#text = text;
    this.#sources = sources;
  }

  /** Reads up to the end, or within a reference up to its closing brace. */
  readText(depth: number): string {
    let value = "";
    while (this.#at < this.#text.length) {
      if (depth > 0 && this.#text[this.#at] === "}") break;
      if (this.#skip("$${")) value += "${";
      else if (this.#skip("${")) value += this.#readReference(depth + 1);
      else value += this.#text[this.#at++];
    }
    return value;
  }

  #readReference(depth: number): string {
    if (depth > DEEPEST) return this.#giveUp(`nests references more than ${DEEPEST} deep`);
    if (this.#skip("file:")) {
      const path = this.readText(depth);
      return this.#skip("}") ? this.#file(path) : this.#giveUp(MISFORMED);
    }
    const name = this.#readName();
    const before = { faults: this.faults.length, parts: this.parts.length };
    const fallback = this.#skip(":-") ? this.readText(depth) : undefined;
    if (name === "" || !this.#skip("}")) return this.#giveUp(MISFORMED);
    return this.#variable(name, fallback, before);
  }

  #readName(): string {
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0] ?? "";
    this.#at += name.length;
    return name;
  }

  /** As in a shell, a default also replaces a variable that is set but empty. */
  #variable(
    name: string,
    fallback: string | undefined,
    before: { readonly faults: number; readonly parts: number },
  ): string {
    const value = this.#sources.variable(name);
    if (fallback === undefined) {
      if (value === undefined) this.#report(`the environment variable ${name} is not set`);
      return this.#used({ from: "variable", name, content: value ?? "" });
    }
    if (!value) return fallback;
    // The references of an unused default need not exist.
    this.faults.splice(before.faults);
    this.parts.splice(before.parts);
    return this.#used({ from: "variable", name, content: value });
  }

  #file(path: string): string {
    const read = this.#sources.file(path);
    if ("content" in read) return this.#used({ from: "file", name: path, content: read.content });
    this.#report(unreadableFile(path, read.failure), !read.isDamaged);
    return "";
  }

  #used(part: SubstitutedPart): string {
    this.parts.push(part);
    return part.content;
  }

  /** Stops reading: after a syntax error, the rest of the string is ambiguous. */
  #giveUp(message: string): string {
    this.#at = this.#text.length;
    if (this.#misformed) return "";
    this.#misformed = true;
    this.faults.splice(0, Infinity, { absent: false, message });
    return "";
  }

  #report(message: string, absent = true): void {
    if (!this.faults.some((fault) => fault.message === message)) {
      this.faults.push({ absent, message });
    }
  }

  #skip(expected: string): boolean {
    if (!this.#text.startsWith(expected, this.#at)) return false;
    this.#at += expected.length;
    return true;
  }
}
