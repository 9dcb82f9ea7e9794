import assert from "node:assert/strict";
import { substitute, type SubstitutionSources } from "../../src/config/file/substitution.ts";

const sources: SubstitutionSources = {
  variable: (name) =>
    new Map([
      ["HOST", "store.example"],
      ["EMPTY", ""],
      ["TRICK", "${HOST}"],
      ["DIRECTORY", "/run/secrets"],
    ]).get(name),
  file: (path) =>
    path === "/run/secrets/client" ? { content: "a ${HOST} b" } : { failure: "no such file" },
};

const completed: readonly (readonly [written: string, becomes: string, rule: string])[] = [
  ["plain $HOST } {", "plain $HOST } {", "text without a reference is left alone"],
  ["${HOST}", "store.example", "a variable"],
  ["https://${HOST}/${HOST}", "https://store.example/store.example", "several references"],
  ["${EMPTY}", "", "a variable that is set but empty is set"],
  ["${EMPTY:-d}", "d", "a default replaces an empty variable, as in a shell"],
  ["${UNSET:-d}", "d", "a default replaces a variable that is not set"],
  ["${UNSET:-}", "", "a default may be empty"],
  ["${HOST:-d}", "store.example", "a default is not used when the variable is set"],
  ["${UNSET:-a:-b}", "a:-b", "the default is everything up to the brace"],
  ["${UNSET:-${HOST}}", "store.example", "a default may hold a reference"],
  ["${HOST:-${ALSO_UNSET}}", "store.example", "an unused default need not be complete"],
  ["${TRICK}", "${HOST}", "what a variable holds is not replaced again"],
  ["${file:/run/secrets/client}", "a ${HOST} b", "what a file holds is not replaced again"],
  ["${file:${DIRECTORY}/client}", "a ${HOST} b", "the path of a file may hold a variable"],
  ["$${HOST}", "${HOST}", "two dollar signs write a plain reference"],
  ["p$$w$d", "p$$w$d", "dollar signs without a brace mean nothing"],
];

for (const [written, becomes, rule] of completed) {
  Deno.test(`substitute: ${rule}: ${written}`, () => {
    const { value, faults } = substitute(written, sources);
    assert.deepEqual({ value, faults }, { value: becomes, faults: [] });
  });
}

const MISFORMED = "contains a ${ that is none of ${NAME}, ${NAME:-default} and ${file:PATH}; " +
  "write $${ for a plain ${";

const faulty: readonly (readonly [written: string, absent: boolean, message: string])[] = [
  ["${UNSET}", true, "the environment variable UNSET is not set"],
  ["x${UNSET:-${ALSO_UNSET}}", true, "the environment variable ALSO_UNSET is not set"],
  ["${file:/nowhere}", true, "the file /nowhere cannot be read: no such file"],
  ["${file:${UNSET}/x}", true, "the environment variable UNSET is not set"],
  ["${}", false, MISFORMED],
  ["${HOST", false, MISFORMED],
  ["${HOST:-x", false, MISFORMED],
  ["${file:/x", false, MISFORMED],
  ["s3cr${t!x}", false, MISFORMED],
  ["${1A}", false, MISFORMED],
  ["${HOST:+x}", false, MISFORMED],
  ["${env:HOST}", false, MISFORMED],
  ["${HOST:-${UNSET}", false, MISFORMED],
  ["${A:-".repeat(20) + "}".repeat(20), false, "nests references more than 8 deep"],
];

for (const [written, absent, message] of faulty) {
  Deno.test(`substitute reports what is wrong with ${written.slice(0, 30)}`, () => {
    const { faults } = substitute(written, sources);
    assert.deepEqual(faults[0], { absent, message });
  });
}

Deno.test("substitute reports each variable that is not set once", () => {
  const { faults } = substitute("${A}${B}${A}", sources);
  assert.deepEqual(faults.map(({ message }) => message), [
    "the environment variable A is not set",
    "the environment variable B is not set",
  ]);
});

Deno.test("substitute survives a hundred thousand nested references", () => {
  const { faults } = substitute("${A:-".repeat(100_000), sources);
  assert.equal(faults.length, 1);
});
