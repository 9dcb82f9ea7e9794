/**
 * Reads small credential files that other programs rewrite while the gateway runs, such as a
 * Kubernetes token. Rejects long files, empty ones, which may be half written, and those that are no text.
 */
import { valueFault } from "../config/values/damaged_value.ts";
import { decodeText } from "../config/values/decoded_text.ts";
import type { ErrorCode } from "../errors/catalogue.ts";
import { readBounded } from "../network/bounded_body.ts";
import { cannotFetch } from "./provider_exchange.ts";

/** Tokens are a few KiB. */
const MAX_CREDENTIAL_FILE_BYTES = 64 * 1024;

/** How the failure to read a credential file is reported. */
export interface CredentialFileOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly step: string;
  /** What the file is, in front of the reason. */
  readonly what?: string;
  readonly maxBytes?: number;
}

/**
 * Reads the credential in a file, without surrounding white space.
 *
 * @param path Absolute; the worker must have permission to read it.
 * @throws {GatewayError} With the code of the options if the file cannot be read, is empty or too long.
 */
export async function readCredentialFile(
  path: string,
  { server, code, step, what = "", maxBytes = MAX_CREDENTIAL_FILE_BYTES }: CredentialFileOptions,
): Promise<string> {
  const fail = (state: string, cause?: unknown) =>
    cannotFetch(code, server, `${what}the file ${path} ${state}`, {
      troubleshooting: [step],
      cause,
    });
  let held: Awaited<ReturnType<typeof readBounded>>;
  try {
    using file = await Deno.open(path);
    held = await readBounded(file.readable, maxBytes);
  } catch (cause) {
    throw fail(`cannot be read: ${reason(cause)}`, cause);
  }
  if (held instanceof ReadableStream) {
    await held.cancel().catch(() => {});
    throw fail(`holds more than ${maxBytes} bytes`);
  }
  const read = decodeText(held);
  if ("failure" in read) throw fail(`cannot be read: ${read.failure}`);
  const text = read.content.trim();
  if (text === "") throw fail("is empty");
  const fault = valueFault(text, { isSecret: true, isDocument: true });
  if (fault !== undefined) throw fail(fault);
  return text;
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "no such file";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (cause instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (cause instanceof Deno.errors.NotCapable) return "the gateway was not started for this file";
  return "unknown reason";
}
