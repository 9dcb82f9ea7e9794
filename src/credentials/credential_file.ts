/**
 * Reads small files that hold a credential and that other programs renew while the gateway runs, such
 * as a token of Kubernetes. Rejects files above a bound and empty ones, which is what a file looks like
 * while it is written.
 *
 * @module
 */
import type { ErrorCode } from "../errors/catalogue.ts";
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
 * Reads the credential that a file holds.
 *
 * @param path Absolute path, one of those that the worker may read.
 * @returns Its text without white space around it.
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
  let bytes: Uint8Array;
  try {
    bytes = await readUpTo(path, maxBytes + 1);
  } catch (cause) {
    throw fail(`cannot be read: ${reason(cause)}`, cause);
  }
  if (bytes.length > maxBytes) throw fail(`holds more than ${maxBytes} bytes`);
  const text = new TextDecoder().decode(bytes).trim();
  if (text === "") throw fail("is empty");
  return text;
}

async function readUpTo(path: string, maxBytes: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const read = await file.read(bytes.subarray(length));
    if (read === null) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

function reason(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "no such file";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (cause instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (cause instanceof Deno.errors.NotCapable) return "the gateway was not started for this file";
  return "unknown reason";
}
