/**
 * Reads the gateway's part of JSON with comments (and trailing commas, as Orthanc allows them), and
 * ignores the other keys of an `orthanc.json`.
 */
import {
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { type ConfigProblem, type KeyPath, keyPath } from "../values/config_error.ts";
import { nearestName } from "../values/nearest_name.ts";
import { isObject } from "../values/keys_of.ts";
import { SECTION } from "../values/section.ts";

const RESILIENCE = "ResilienceConfig";

/** The gateway's part of a file. */
export interface ConfigDocument {
  /** `ConfigVersion` at the top of the file. */
  readonly ConfigVersion?: unknown;
  readonly DicomWebOAuth: unknown;
}

/**
 * Finds the gateway's part of a file.
 *
 * @param completeString Converts each string of that part, such as replacing variables.
 * @returns That part, if there is one; it may still have problems, such as duplicate keys.
 */
export function readDocument(
  text: string,
  completeString: (value: string, path: KeyPath) => unknown,
): {
  readonly document: ConfigDocument | undefined;
  readonly problems: readonly ConfigProblem[];
} {
  const problems: ConfigProblem[] = [];
  try {
    const root = parse(text, problems);
    if (root === undefined) return { document: undefined, problems };
    const section = property(root, SECTION);
    if (section === undefined) {
      problems.push({ code: "CFG-001", path: SECTION, message: missingSection(root) });
      return { document: undefined, problems };
    }
    const version = property(root, "ConfigVersion");
    const resilience = property(root, RESILIENCE);
    if (resilience !== undefined && property(section, RESILIENCE) !== undefined) {
      const message = `is duplicated: it is also in ${SECTION}`;
      problems.push({ code: "CFG-002", path: RESILIENCE, message });
    }
    const complete = (node: Node, path: KeyPath) => plain(node, path, { completeString, problems });
    return {
      document: {
        ...(version && { ConfigVersion: complete(version, ["ConfigVersion"]) }),
        [SECTION]: withResilience(
          complete(section, [SECTION]),
          resilience && complete(resilience, [SECTION, RESILIENCE]),
        ),
      },
      problems,
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = "nests lists or objects too deeply";
    return { document: undefined, problems: [{ code: "CFG-002", path: "", message }] };
  }
}

/** The plugin's documentation also has `ResilienceConfig` at the top of the file: it is the section's. */
function withResilience(section: unknown, resilience: unknown): unknown {
  return resilience === undefined || !isObject(section)
    ? section
    : { [RESILIENCE]: resilience, ...section };
}

/** Reports only the first error: later ones are usually its consequences. */
function parse(text: string, problems: ConfigProblem[]): Node | undefined {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    const message = `is not valid JSON at ${place(text, first.offset)}: ${mistake(first.error)}`;
    problems.push({ code: "CFG-002", path: "", message });
    return undefined;
  }
  if (root?.type !== "object") {
    problems.push({ code: "CFG-002", path: "", message: "must contain a JSON object ({…})" });
    return undefined;
  }
  return root;
}

/** The value of a node. Unlike the parser's own function, it treats `__proto__` as a plain key. */
function plain(
  node: Node,
  path: KeyPath,
  options: {
    readonly completeString: (value: string, path: KeyPath) => unknown;
    readonly problems: ConfigProblem[];
  },
): unknown {
  if (node.type === "string") return options.completeString(String(node.value), path);
  if (node.type === "array") {
    return node.children?.map((item, index) => plain(item, [...path, index], options));
  }
  if (node.type !== "object") return node.value;
  const entries = new Map<string, unknown>();
  for (const [key, value] of properties(node)) {
    const at = [...path, key];
    const report = (message: string) =>
      options.problems.push({ code: "CFG-002", path: keyPath(at), message });
    if (entries.has(key)) report("is duplicated");
    // Later steps would lose such a key: it means the prototype of an object.
    if (key === "__proto__") report("is a reserved name");
    entries.set(key, plain(value, at, options));
  }
  return Object.fromEntries(entries);
}

function* properties(node: Node): Iterable<[string, Node]> {
  for (const { children } of node.children ?? []) {
    const [key, value] = children ?? [];
    if (key !== undefined && value !== undefined) yield [String(key.value), value];
  }
}

function property(node: Node, name: string): Node | undefined {
  let found: Node | undefined;
  for (const [key, value] of properties(node)) if (key === name) found = value;
  return found;
}

function missingSection(root: Node): string {
  const nearest = nearestName(SECTION, [...properties(root)].map(([key]) => key));
  return nearest === undefined
    ? `is missing: the file has no section of this name, as in {"${SECTION}": {"Servers": {…}}}`
    : `is missing: the nearest key in the file is ${nearest}`;
}

function place(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

const MISTAKES: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is neither a string, a number, true, false nor null",
  InvalidNumberFormat: "this is not a number",
  PropertyNameExpected: "a key in double quotes is expected",
  ValueExpected: "a value is expected",
  ColonExpected: "a colon is expected",
  CommaExpected: "a comma is expected",
  CloseBraceExpected: "a closing brace } is expected",
  CloseBracketExpected: "a closing bracket ] is expected",
  EndOfFileExpected: "the file should end here",
  InvalidCommentToken: "a comment is not allowed here",
  UnexpectedEndOfComment: "the comment does not end",
  UnexpectedEndOfString: "the string does not end on its line",
  UnexpectedEndOfNumber: "the number does not end",
  InvalidUnicode: "this is not a \\u escape",
  InvalidEscapeCharacter: "a backslash must be written twice or begin an escape",
  InvalidCharacter: "this control character must be escaped",
};

function mistake(code: ParseErrorCode): string {
  return MISTAKES[printParseErrorCode(code)] ?? "this is not JSON";
}
