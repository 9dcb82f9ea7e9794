/**
 * All documents that are generated from the source, so that they cannot differ from it.
 */
import { configurationReference } from "../../src/config/reference/configuration_reference.ts";
import { editorSchema } from "../../src/config/reference/json_schema.ts";
import { errorReference } from "./error_reference.ts";
import { headerReference } from "./header_reference.ts";
import { metricsReference } from "./metrics_reference.ts";
import { profileReference } from "./profile_reference.ts";
import { runProgram } from "../fixtures/run_program.ts";

/** A generated document. */
export interface GeneratedDoc {
  /** Path from the root of the project. */
  readonly path: string;
  readonly content: string;
}

/** Generates all documents, formatted like the project. */
export async function generatedDocs(): Promise<GeneratedDoc[]> {
  const docs = [
    { path: "docs/configuration.md", content: configurationReference() },
    { path: "docs/gateway.schema.json", content: JSON.stringify(editorSchema()) },
    { path: "docs/error-codes.md", content: errorReference() },
    { path: "docs/security/headers.md", content: headerReference() },
    { path: "docs/metrics.md", content: await metricsReference() },
    { path: "docs/profiles.md", content: profileReference() },
  ];
  return await Promise.all(
    docs.map(async ({ path, content }) => ({ path, content: await formatted(path, content) })),
  );
}

/** The root of the project. */
export const root: URL = new URL("../../", import.meta.url);

async function formatted(path: string, content: string): Promise<string> {
  const args = ["fmt", "--quiet", "--ext", path.split(".").at(-1) ?? "", "-"];
  const { success, stdout, stderr } = await runProgram(Deno.execPath(), args, {
    cwd: root,
    stdin: content,
  });
  if (!success) throw new Error(`Cannot format ${path}: ${stderr}`);
  return stdout;
}
