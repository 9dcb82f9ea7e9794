/**
 * The npm packages of `deno.lock`, with their own manifests from Deno's cache.
 */
import { runtimeManifest } from "../runtime_manifest.ts";
import { PACKAGE_FLAGS } from "../deno_flags.ts";

export interface LockedPackage {
  /** Its name in the lock file, with its version and the peers that it is resolved with. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of its archive, as in `sha512-…`. */
  readonly integrity: string;
  /** Keys of the packages that it depends on. */
  readonly dependencies: readonly string[];
  /** Whether the gateway runs with it, rather than only the tests. */
  readonly isRuntime: boolean;
}

interface LockFile {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<
    Record<
      string,
      {
        readonly integrity: string;
        readonly dependencies?: readonly string[];
        readonly optionalDependencies?: readonly string[];
      }
    >
  >;
}

/**
 * Reads the lock file.
 *
 * @param root Directory of `deno.json`, `deno.lock` and `src/`, with a slash at the end.
 * @returns All packages, in the order of their keys.
 * @throws {Error} For a lock file in an unknown format.
 */
export async function lockedPackages(root: URL): Promise<LockedPackage[]> {
  const lock: LockFile = JSON.parse(await Deno.readTextFile(new URL("deno.lock", root)));
  const dependenciesOf = (key: string) => {
    const { dependencies = [], optionalDependencies = [] } = lock.npm[key]!;
    return [...dependencies, ...optionalDependencies].map((written) => keyOf(lock, written));
  };
  const runtime = new Set<string>();
  const reach = (key: string) => {
    if (runtime.has(key)) return;
    runtime.add(key);
    for (const dependency of dependenciesOf(key)) reach(dependency);
  };
  const { imports } = JSON.parse(await runtimeManifest(decodeURIComponent(root.pathname)));
  for (const specifier of Object.values<string>(imports)) reach(rootKey(lock, specifier));
  return Object.entries(lock.npm).map(([key, { integrity }]) => {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
    if (name === undefined || version === undefined) throw new Error(`${key} is no package`);
    return {
      key,
      name,
      version,
      integrity,
      dependencies: dependenciesOf(key),
      isRuntime: runtime.has(key),
    };
  });
}

/** The fields of a package's own manifest that are used here. */
export interface PackageManifest {
  readonly license?: unknown;
  readonly description?: unknown;
  readonly homepage?: unknown;
}

/**
 * Finds files of packages, after downloading missing ones.
 *
 * @param root Directory of `deno.json` and `deno.lock`, with a slash at the end.
 * @returns Reads a file of a package as text; `undefined` if it was not downloaded.
 */
export async function packageFiles(root: URL): Promise<
  (locked: Pick<LockedPackage, "name" | "version">, file: string) => Promise<string | undefined>
> {
  const deno = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), { args, cwd: root, stderr: "null" }).output();
  // If that fails, the missing packages have no files.
  await deno("install", "--frozen", ...PACKAGE_FLAGS, "--quiet");
  const { stdout } = await deno("info", "--json");
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  // The cache is divided by the host of the registry.
  const registries = (await Array.fromAsync(Deno.readDir(npmCache))).map(({ name }) => name);
  return async ({ name, version }, file) => {
    for (const registry of registries) {
      try {
        const path = `${npmCache}/${registry}/${name.toLowerCase()}/${version}/${file}`;
        return await Deno.readTextFile(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return undefined;
  };
}

/**
 * Finds the manifests of packages.
 *
 * @param root Directory of `deno.json` and `deno.lock`, with a slash at the end.
 * @returns Reads the manifest of a package; `undefined` if it was not downloaded.
 */
export async function packageManifests(root: URL): Promise<
  (locked: Pick<LockedPackage, "name" | "version">) => Promise<PackageManifest | undefined>
> {
  const read = await packageFiles(root);
  return async (locked) => {
    const text = await read(locked, "package.json");
    return text === undefined ? undefined : JSON.parse(text);
  };
}

/** A dependency is written without its version if there is only one. */
function keyOf(lock: LockFile, written: string): string {
  if (Object.hasOwn(lock.npm, written)) return written;
  const keys = Object.keys(lock.npm).filter((key) => key.startsWith(`${written}@`));
  if (keys.length !== 1) throw new Error(`${written} is not one package of the lock file`);
  return keys[0]!;
}

/** The lock file shortens ranges: `^4.0.0` is `4` there. */
function rootKey(lock: LockFile, specifier: string): string {
  const name = /^npm:(@?[^@]+)@/.exec(specifier)?.[1];
  const found = new Set(
    Object.entries(lock.specifiers)
      .filter(([written]) => written.startsWith(`npm:${name}@`))
      .map(([, version]) => `${name}@${version}`),
  );
  if (name === undefined || found.size !== 1) {
    throw new Error(`${specifier} is not one package of the lock file`);
  }
  return [...found][0]!;
}
