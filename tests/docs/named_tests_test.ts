/**
 * The tests that documents name as proof exist, by file and name, and so does each file of the
 * repository that a security document names.
 */
import assert from "node:assert/strict";
import { root } from "./generated_docs.ts";

const DIRECTORY = "docs/security/";
/**
 * A test as documents name it: `tests/x_test.ts`: "Name of the test" (a name may be shortened by
 * …).
 */
const NAMED = /`(tests\/[\w/.-]+_test\.ts)`:\s+"([^"]+)"/g;
const FILE = /`((?:tests|src|deploy|docs|docker)\/[\w/.-]+|\.(?:github|ci)\/[\w/.-]+)`/g;
/** The source text before the name of a test. */
const BEFORE_NAME = /(?:\bDeno\.test\(|\bname:|\bonDisk\(|\bkubernetes\(|\bstep\()\s*(?=["`])/g;

interface NamedTest {
  readonly document: string;
  readonly file: string;
  readonly name: string;
}

const documents = [...Deno.readDirSync(new URL(DIRECTORY, root))]
  .map(({ name }) => name).filter((name) => name.endsWith(".md")).toSorted();

Deno.test("named tests: every test that a security document names exists", () => {
  const missing = documents.flatMap(namedTests).filter(({ file, name }) => !isThere(file, name));
  assert.deepEqual(missing, []);
});

Deno.test("named tests: every threat of the threat model has a test or a stated residual risk", () => {
  const [, ...threats] = textOf("threat-model.md").split(/^### /m);
  assert(threats.length > 30, `${threats.length} threats`);
  for (const threat of threats) {
    const [title] = threat.split("\n");
    assert(threat.match(NAMED) ?? /\*\*Not shown by a test/.test(threat), title);
  }
});

Deno.test("named tests: every file that a security document names exists", async () => {
  for (const document of documents) {
    for (const [, path] of textOf(document).matchAll(FILE)) {
      await assert.doesNotReject(Deno.stat(new URL(path!, root)), `${document}: ${path}`);
    }
  }
});

Deno.test("named tests: a missing test is noticed, however its name is written", () => {
  const here = "tests/docs/named_tests_test.ts";
  assert(
    isThere(here, "named tests: a missing test is noticed, however its name is written"),
  );
  assert(!isThere(here, "named tests: a test that is not there"));
  assert(
    isThere(
      "tests/runtime/state_directory_test.ts",
      "State directory: mode 0755 is refused, and nothing is changed",
    ),
  );
  assert(!isThere("tests/docs/no_such_test.ts", "x"));
  const text = '- `tests/a_test.ts`: "The name\n  of it"';
  assert.deepEqual(namesIn(text), [{ file: "tests/a_test.ts", name: "The name of it" }]);
  assert(
    patternsIn("Deno.test(`a ${b ? `c` : '}'} of what is there`, () => {})")[0]!.test(
      "a x of what is there",
    ),
  );
});

function textOf(document: string): string {
  return Deno.readTextFileSync(new URL(`${DIRECTORY}${document}`, root));
}

function namedTests(document: string): NamedTest[] {
  return namesIn(textOf(document)).map((named) => ({ document, ...named }));
}

function namesIn(text: string): { file: string; name: string }[] {
  return [...text.matchAll(NAMED)].map(([, file, name]) => ({
    file: file!,
    // Long lines are wrapped.
    name: name!.replaceAll(/\s+/g, " "),
  }));
}

const patterns = new Map<string, readonly RegExp[]>();

function isThere(file: string, name: string): boolean {
  let known = patterns.get(file);
  if (known === undefined) {
    try {
      known = patternsIn(Deno.readTextFileSync(new URL(file, root)));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      known = [];
    }
    patterns.set(file, known);
  }
  return known.some((pattern) => pattern.test(name));
}

/** The names of a file's tests as patterns: interpolated values may be anything. */
function patternsIn(source: string): RegExp[] {
  return [...source.matchAll(BEFORE_NAME)].flatMap(({ index, 0: before }) => {
    const fixed = literalAt(source, index + before.length);
    // A name of only interpolated values would match any name.
    if (fixed.length > 1 && fixed.join("").length < 12) return [];
    return [new RegExp(`^${fixed.map((part) => RegExp.escape(part)).join(".*")}$`)];
  });
}

/** The fixed parts of a string or template. */
function literalAt(source: string, start: number): string[] {
  const quote = source[start]!;
  const parts: string[] = [];
  let part = "";
  for (let at = start + 1; at < source.length && source[at] !== quote;) {
    if (quote === "`" && source.startsWith("${", at)) {
      at = endOfExpression(source, at + 2);
      parts.push(part);
      part = "";
    } else {
      if (source[at] === "\\") at++;
      part += source[at++] ?? "";
    }
  }
  return [...parts, part];
}

/** Skips an interpolation up to its closing brace, including nested strings and templates. */
function endOfExpression(source: string, start: number): number {
  for (let at = start, depth = 1; at < source.length; at++) {
    const character = source[at]!;
    if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at + 1;
    else if (`"'\``.includes(character)) at = endOfString(source, at);
  }
  return source.length;
}

function endOfString(source: string, start: number): number {
  const quote = source[start]!;
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (quote === "`" && source.startsWith("${", at)) {
      at = endOfExpression(source, at + 2) - 1;
    } else if (source[at] === quote) return at;
  }
  return source.length;
}
