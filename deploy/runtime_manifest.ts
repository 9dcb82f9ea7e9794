/**
 * Removes the dependencies of tests from `deno.json`, so that the image and the binary contain only
 * what they run. The lock file's entries of the others do not change.
 *
 * As a program it rewrites the `deno.json` of the current directory.
 */
const MANIFEST = "deno.json";
const IMPORT = /(?:\bfrom|\bimport\(?)\s*"([^"]+)"/g;

/**
 * The manifest of the running gateway.
 *
 * @param directory Contains `deno.json` and `src/`.
 */
export async function runtimeManifest(directory: string): Promise<string> {
  const { name, version, license, exports, unstable, imports, compilerOptions } = JSON.parse(
    await Deno.readTextFile(`${directory}/${MANIFEST}`),
  );
  const imported = await importsBelow(`${directory}/src`);
  imported.add(`${compilerOptions.jsxImportSource}/jsx-runtime`);
  const needed = Object.entries(imports).filter(([name]) =>
    [...imported].some((specifier) => specifier === name || specifier.startsWith(`${name}/`))
  );
  // Tasks, lint and format belong to the repository.
  const runtime = { name, version, license, exports, unstable, compilerOptions };
  return `${JSON.stringify({ ...runtime, imports: Object.fromEntries(needed) }, null, 2)}\n`;
}

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

if (import.meta.main) await Deno.writeTextFile(MANIFEST, await runtimeManifest("."));
