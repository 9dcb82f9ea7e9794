/**
 * Reads small credential files that other programs rewrite while the gateway runs, such as a
 * Kubernetes token. Rejects long files, and empty ones, which may be half written.
 *
 * @module
 */
import { readText } from "../network/bounded_body.ts";

/** Tokens are a few KiB. */
const MAX_CREDENTIAL_FILE_BYTES = 64 * 1024;

/** The message says why a file cannot be used, without its content. */
export class CredentialFileError extends Error {
  override readonly name = "CredentialFileError";
}

/**
 * Reads the credential in a file, without surrounding white space.
 *
 * @param path Absolute; the worker must have permission to read it.
 * @throws {CredentialFileError} If the file cannot be read, is empty or too long.
 */
export async function readCredentialFile(
  path: string,
  maxBytes: number = MAX_CREDENTIAL_FILE_BYTES,
): Promise<string> {
  let text: string | undefined;
  try {
    using file = await Deno.open(path);
    text = (await readText(file.readable, maxBytes))?.trim();
  } catch (cause) {
    throw new CredentialFileError(`the file ${path} cannot be read: ${reason(cause)}`, { cause });
  }
  if (text === undefined) {
    throw new CredentialFileError(`the file ${path} holds more than ${maxBytes} bytes`);
  }
  if (text === "") throw new CredentialFileError(`the file ${path} is empty`);
  return text;
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "no such file";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (cause instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (cause instanceof Deno.errors.NotCapable) return "the gateway was not started for this file";
  return "unknown reason";
}
