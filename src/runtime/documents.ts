/**
 * The files of `docs/`, which the supervisor reads for its workers: these may read nothing of the
 * program. The binary and the image contain them.
 */
const DOCUMENTS = new URL("../../docs/", import.meta.url);

/** A file of `docs/` or of a folder in it: a worker must not have the supervisor read another one. */
const PATH = /^(?:[a-z-]+\/)?[A-Za-z][\w.-]*\.(?:md|json|png)$/;

/** Undefined if there is no such file. */
export type DocumentContent = Uint8Array<ArrayBuffer> | undefined;

/** @param path Below `docs/`; comes from a client, unchecked. */
export async function readDocument(path: string): Promise<DocumentContent> {
  if (!PATH.test(path)) return undefined;
  try {
    return await Deno.readFile(new URL(path, DOCUMENTS));
  } catch {
    // A copy of the program without them works without.
    return undefined;
  }
}
