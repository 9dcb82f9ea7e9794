/**
 * Writes all generated documents.
 */
import { generatedDocs, root } from "./generated_docs.ts";

for (const { path, content } of await generatedDocs()) {
  await Deno.writeTextFile(new URL(path, root), content);
}
