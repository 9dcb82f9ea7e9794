import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";
import { runProgram } from "../fixtures/run_program.ts";

const ROOT = new URL("../../", import.meta.url);

interface Dependency {
  readonly code?: { readonly specifier?: string };
  readonly type?: { readonly specifier?: string };
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly Dependency[];
  }[];
}

/** The imports of each module below `src/`, types included. */
async function importsOfModules(): Promise<Map<string, readonly string[]>> {
  const args = ["info", "--json", ...PACKAGE_FLAGS, fileURLToPath(new URL("main.ts", ROOT))];
  const { stdout } = await runProgram(Deno.execPath(), args);
  const { modules }: ModuleGraph = JSON.parse(stdout);
  const prefix = new URL("src/", ROOT).href;
  const isOwn = (specifier: string | undefined): specifier is string =>
    specifier?.startsWith(prefix) ?? false;
  return new Map(
    modules.filter(({ specifier }) => isOwn(specifier)).map(({ specifier, dependencies = [] }) => [
      specifier.slice(prefix.length),
      dependencies
        .flatMap(({ code, type }) => [code?.specifier, type?.specifier])
        .filter(isOwn)
        .map((imported) => imported.slice(prefix.length)),
    ]),
  );
}

/** A chain of imports that leads back to its beginning, if there is one. */
function findCircle(
  imports: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const done = new Set<string>();
  function follow(module: string, path: readonly string[]): readonly string[] | undefined {
    if (path.includes(module)) return [...path.slice(path.indexOf(module)), module];
    if (done.has(module)) return undefined;
    for (const imported of imports.get(module) ?? []) {
      const circle = follow(imported, [...path, module]);
      if (circle !== undefined) return circle;
    }
    done.add(module);
    return undefined;
  }
  for (const module of imports.keys()) {
    const circle = follow(module, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

Deno.test("Imports: no module imports itself by way of others, types included", async () => {
  const imports = await importsOfModules();
  assert.ok(imports.size > 100, `${imports.size} modules`);
  assert.deepEqual(findCircle(imports), undefined);
});

Deno.test("Imports: a circle is found", () => {
  const imports = new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["b"]]]);
  assert.deepEqual(findCircle(imports), ["b", "d", "b"]);
});
