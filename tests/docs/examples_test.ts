/**
 * The example configurations in `docs/examples/` load as they are, with any values in the variables
 * and secret files that they refer to.
 */
import assert from "node:assert/strict";
import { problemsOf } from "../config/memory_files.ts";
import { root } from "./generated_docs.ts";

const EXAMPLES = new URL("docs/examples/", root);

/** What platforms set in the environment, by example. */
const platforms: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "aws-container.json": { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1" },
  "aws-environment.json": {
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
  },
};

/** Values of variables that must look like something, by name. */
const values: Readonly<Record<string, string>> = {
  HEALTHIMAGING_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
};

for (const { name } of Deno.readDirSync(EXAMPLES)) {
  Deno.test(`The example ${name} loads`, async () => {
    const text = await Deno.readTextFile(new URL(name, EXAMPLES));
    const referred = [...text.matchAll(/\$\{([^}:]+)(?::([^}]*))?\}/g)];
    const files = referred.filter(([, kind]) => kind === "file").map(([, , path]) => [path, "s"]);
    const env = referred.filter(([, kind]) => kind !== "file")
      .map(([, variable]) => [variable!, values[variable!] ?? "value"]);
    const problems = await problemsOf(text, {
      env: { ...Object.fromEntries(env), ...platforms[name] },
      files: Object.fromEntries(files),
    });
    assert.deepEqual(problems, []);
  });
}
