/**
 * Parses the configuration that `readConfig` read: reports all problems at once, and freezes the result.
 */
import type { ConfigDocument } from "./file/config_document.ts";
import { configVersion, type GatewayConfig, misplacedKey, section } from "./gateway_config.ts";
import { placeholderWarnings } from "./placeholders.ts";
import { complaint } from "./values/complaint.ts";
import { ConfigError, type ConfigProblem } from "./values/config_error.ts";
import { deepFreeze } from "./values/frozen.ts";
import { isObject } from "./values/keys_of.ts";
import { problemsIn } from "./values/problems.ts";
import { SECTION } from "./values/section.ts";
import { type ReadSources, withSources } from "./values/sources.ts";

/** A configuration as read. */
export interface ConfigSource {
  /** Absolute path of the file. */
  readonly path: string;
  /** The gateway's part of the file, with variables replaced. */
  readonly document: ConfigDocument;
  readonly sources: ReadSources;
  /** Problems found on reading. */
  readonly problems: readonly ConfigProblem[];
  /** What is allowed but dangerous about the files. */
  readonly warnings: readonly string[];
}

/** The source of a configuration made by a program: it refers to no files or variables. */
export function sourceOf(
  document: ConfigDocument,
  { path, stateHome }: { readonly path: string; readonly stateHome: string },
): ConfigSource {
  const read = () => Promise.resolve({ failure: "the configuration has no directory" });
  const sources: ReadSources = { directory: "/", stateHome, environment: {}, read };
  return { path, document, sources, problems: [], warnings: [] };
}

/** @throws {ConfigError} With all problems. */
export async function parseConfig(source: ConfigSource): Promise<GatewayConfig> {
  const { path, document } = source;
  const version = configVersion.optional().safeParse(document.ConfigVersion, {
    error: (issue) => complaint(issue),
  });
  const raw = document[SECTION];
  const parsed = await withSources(
    { ...source.sources, section: isObject(raw) ? raw : {} },
    () => section.safeParseAsync(raw, { error: (issue) => complaint(issue, misplacedKey) }),
  );
  let problems = problemsIn(version.error?.issues ?? [], {
    raw: document.ConfigVersion,
    path: ["ConfigVersion"],
    before: source.problems,
  });
  problems = problemsIn(parsed.error?.issues ?? [], { raw, path: [SECTION], before: problems });
  if (problems.length > 0 || !parsed.success) throw new ConfigError(path, problems);
  const warnings = [
    ...source.warnings,
    ...parsed.data.warnings,
    ...placeholderWarnings(raw),
  ];
  return deepFreeze<GatewayConfig>({ path, ...parsed.data, warnings });
}
