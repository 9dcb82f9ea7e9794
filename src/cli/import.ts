/**
 * The `import` command: converts a configuration of the plugin, and reports what changed for each key.
 */
import type { ImportNote } from "../config/plugin/import_plugin.ts";
import { readPluginConfig } from "../config/plugin/read_plugin_config.ts";
import { ExitCode } from "./exit_code.ts";
import { complain, print } from "./terminal.ts";

/**
 * Prints the gateway's configuration. The exit code is 78 if something must be fixed by hand.
 *
 * @throws {ConfigError} When the file cannot be read or holds no section of the plugin.
 */
export async function importConfig(
  file: string,
  flags: { readonly keepSecrets?: true },
): Promise<number> {
  const { document, notes, problems } = await readPluginConfig(file, flags.keepSecrets ?? false);
  print(JSON.stringify(document, null, 2));
  const show = (kind: ImportNote["kind"], title: string) => {
    const ofKind = notes.filter((note) => note.kind === kind);
    if (ofKind.length === 0) return;
    complain(title);
    for (const { path, message } of ofKind) complain(`  ${path}${message && `: ${message}`}`);
  };
  show("changed", "Changed");
  show("left out", "Left out");
  show("kept", "Kept");
  complain("Comments and the other sections of the file are not converted.");
  // A variable may be set only where the gateway will run.
  const unset = problems.filter(({ code }) => code === "CFG-003");
  const wrong = problems.filter(({ code }) => code !== "CFG-003");
  if (unset.length > 0) {
    complain("Not set here; set it where the gateway runs, and run check there");
    for (const { path, message } of unset) complain(`  ${path}: ${message}`);
    return ExitCode.ok;
  }
  if (wrong.length === 0) return ExitCode.ok;
  complain("To be fixed by hand");
  for (const { code, path, message } of wrong) complain(`  ${code} ${path}: ${message}`);
  return ExitCode.configuration;
}
