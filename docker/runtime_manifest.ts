/**
 * Takes the dependencies that only tests have out of `deno.json`, so that the image holds nothing
 * that does not run in it. What the lock file says of the others stays as it is.
 *
 * Run in the directory of `deno.json`, with the permissions to read it and `src/`, and to write it.
 *
 * @module
 */
const MANIFEST = "deno.json";
const IMPORT = /(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g;

const manifest = JSON.parse(await Deno.readTextFile(MANIFEST));
const imported = await importsBelow("src");
imported.add(`${manifest.compilerOptions.jsxImportSource}/jsx-runtime`);

manifest.imports = Object.fromEntries(
  Object.entries(manifest.imports).filter(([name]) =>
    [...imported].some((specifier) => specifier === name || specifier.startsWith(`${name}/`))
  ),
);
// Tasks, lint and format belong to the repository.
const { name, version, license, exports, unstable, imports, compilerOptions } = manifest;
const runtime = { name, version, license, exports, unstable, imports, compilerOptions };
await Deno.writeTextFile(MANIFEST, `${JSON.stringify(runtime, null, 2)}\n`);

async function importsBelow(directory: string): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    const specifiers = isDirectory
      ? await importsBelow(path)
      : [...(await Deno.readTextFile(path)).matchAll(IMPORT)].map(([, specifier]) => specifier!);
    for (const specifier of specifiers) found.add(specifier);
  }
  return found;
}
