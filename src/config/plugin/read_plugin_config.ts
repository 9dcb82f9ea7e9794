/**
 * Reads a configuration of the plugin, converts it, and checks the result like `check`.
 */
import { resolve } from "node:path";
import { decodeText } from "../values/decoded_text.ts";
import type { FileText } from "../values/sources.ts";
import { ConfigError, type ConfigProblem } from "../values/config_error.ts";
import { loadConfig } from "../file/load_config.ts";
import { noSuchFile } from "../file/file_texts.ts";
import { type ImportedConfig, importPlugin } from "./import_plugin.ts";

/** @throws {ConfigError} If the file cannot be read or has no section of the plugin. */
export async function readPluginConfig(
  file: string,
  keepSecrets: boolean,
): Promise<ImportedConfig> {
  const path = resolve(file);
  let read: FileText;
  try {
    read = decodeText(await Deno.readFile(path));
  } catch (error) {
    const message = error instanceof Deno.errors.NotFound
      ? `the file cannot be read: ${noSuchFile(file)}`
      : "the file cannot be read";
    throw new ConfigError(path, [{ code: "CFG-001", path: "", message }]);
  }
  if ("failure" in read) {
    const message = `the file cannot be read: ${read.failure}`;
    throw new ConfigError(path, [{ code: "CFG-002", path: "", message }]);
  }
  const imported = importPlugin(path, read.content, keepSecrets);
  const found = await problemsOf(path, JSON.stringify(imported.withSecrets));
  return { ...imported, problems: [...imported.problems, ...found] };
}

async function problemsOf(path: string, text: string): Promise<readonly ConfigProblem[]> {
  try {
    await loadConfig(path, {
      readFile: async (each) =>
        each === path ? new TextEncoder().encode(text) : await Deno.readFile(each),
      fileFacts: { mode: () => Promise.resolve(null), realPath: Deno.realPath },
    });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
