/**
 * The flags for starting Deno outside a task, from the `start` task.
 *
 * `deno.json` has `"nodeModulesDir": "manual"`, so that `deno task` downloads nothing before the
 * task's own command runs; every command that resolves npm packages overrides it with {@link
 * PACKAGE_FLAGS}.
 */
import manifest from "../deno.json" with { type: "json" };

/** All flags of `deno run` for the gateway: permissions, lock file, packages, unstable features. */
export const START_FLAGS: readonly string[] = manifest.tasks.start.command.split(" ")
  .filter((word) => word.startsWith("--"));

/** The flags for any command that resolves npm packages. */
export const PACKAGE_FLAGS: readonly string[] = START_FLAGS
  .filter((flag) => flag.startsWith("--node-modules-dir="));
