/**
 * Compiles the gateway to `dist/`, one file for each system: `deno task compile` for this machine,
 * `deno task compile linux-arm64 windows-x64` for others, `deno task compile all` for all. Deno
 * downloads the runtime of each target once.
 */
import { fileURLToPath } from "node:url";
import { START_FLAGS } from "./deno_flags.ts";
import { runtimeManifest } from "./runtime_manifest.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const NAME = "dicomweb-gateway";

/** Deno's names of the systems, by the ends of the file names. */
export const TARGETS: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-x64": "x86_64-pc-windows-msvc",
};

/**
 * The binary has the permissions of the start task, which the supervisor narrows for its workers.
 */
const FLAGS = START_FLAGS.filter((flag) => /^--(?:allow|unstable)-/.test(flag));

/**
 * Compiles the gateway.
 *
 * @param names Names of targets; this machine if empty.
 * @returns Whether it succeeded; Deno has printed the errors.
 * @throws {RangeError} For an unknown target.
 */
export async function compile(names: readonly string[], directory: string): Promise<boolean> {
  const unknown = names.find((name) => !Object.hasOwn(TARGETS, name));
  if (unknown !== undefined) {
    throw new RangeError(
      `${unknown} is no target; there are ${Object.keys(TARGETS).join(", ")} and all`,
    );
  }
  const source = await Deno.makeTempDir({ prefix: `${NAME}-compile-` });
  try {
    for (const folder of ["src", "docs"]) await copy(`${ROOT}${folder}`, `${source}/${folder}`);
    for (const file of ["main.ts", "deno.lock"]) {
      await Deno.copyFile(`${ROOT}${file}`, `${source}/${file}`);
    }
    await Deno.writeTextFile(`${source}/deno.json`, await runtimeManifest(ROOT));
    for (const name of names.length > 0 ? names : [undefined]) {
      const output = `${directory}/${name === undefined ? NAME : `${NAME}-${name}`}`;
      const target = name === undefined ? [] : ["--target", TARGETS[name]!];
      const included = ["src/runtime/worker.ts", "docs"].flatMap((path) => ["--include", path]);
      const { success } = await new Deno.Command(Deno.execPath(), {
        args: ["compile", ...FLAGS, ...included, ...target, "--output", output, "main.ts"],
        cwd: source,
      }).spawn().status;
      if (!success) return false;
    }
    return true;
  } finally {
    await Deno.remove(source, { recursive: true });
  }
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

if (import.meta.main) {
  const names = Deno.args.includes("all") ? Object.keys(TARGETS) : Deno.args;
  if (!await compile(names, `${ROOT}dist`)) Deno.exit(1);
}
