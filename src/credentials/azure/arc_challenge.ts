/**
 * The agent of Azure Arc gives a token only to who can read a file that it names: one that root and the
 * members of its group may read. The name comes over the network, so that only files of the one
 * directory where the agent keeps them are read.
 *
 * @module
 */
import { CredentialFileError, readCredentialFile } from "../credential_file.ts";
import { cannotFetch } from "../provider_exchange.ts";

/** The vendor's libraries refuse longer files. */
const MAX_SECRET_BYTES = 4096;

/** Where the agent's secrets are. */
export interface ArcSecrets {
  /** Absolute path of the only directory that may be read from. */
  readonly secretsDirectory: string;
}

/**
 * Reads the secret that a challenge of the agent names.
 *
 * @throws {GatewayError} TOK-005 where the challenge is none or names another place, AUTH-001 where
 * the file cannot be read.
 */
export async function answerArcChallenge(
  headers: Headers,
  { secretsDirectory }: ArcSecrets,
  server: string,
): Promise<string> {
  const path = secretPath(headers.get("www-authenticate") ?? "", secretsDirectory);
  if (path === undefined) {
    const state = "Azure Arc agent answered 401 without naming a key file of its own directory";
    throw cannotFetch("TOK-005", server, state, {
      troubleshooting: ["Azure Arc: check that the agent, and nothing else, answers at its port"],
    });
  }
  try {
    return await readCredentialFile(path, MAX_SECRET_BYTES);
  } catch (cause) {
    if (!(cause instanceof CredentialFileError)) throw cause;
    throw cannotFetch("AUTH-001", server, `the key of the Azure Arc agent: ${cause.message}`, {
      troubleshooting: [
        "Azure Arc: add the user that the gateway runs as to the group himds and start it anew " +
        "(on Windows: Hybrid agent extension applications)",
      ],
      cause,
    });
  }
}

/**
 * The file that a challenge names.
 *
 * @param directory The directory that it must lie in, with the separator of this system.
 * @returns Its path, or `undefined` where it is no `.key` file right in the directory.
 *
 * @example
 * ```ts
 * import { secretPath } from "./arc_challenge.ts";
 * import assert from "node:assert/strict";
 *
 * const path = secretPath("Basic realm=/var/opt/azcmagent/tokens/a1.key", "/var/opt/azcmagent/tokens");
 * assert.equal(path, "/var/opt/azcmagent/tokens/a1.key");
 * assert.equal(secretPath("Basic realm=/var/opt/../a.key", "/var/opt"), undefined);
 * ```
 */
export function secretPath(challenge: string, directory: string): string | undefined {
  const realm = /^Basic realm="?([^",]+)"?$/i.exec(challenge.trim())?.[1];
  const separator = directory.includes("\\") ? "\\" : "/";
  const prefix = `${directory}${separator}`;
  if (realm === undefined || !realm.startsWith(prefix)) return undefined;
  return /^[\w-]+\.key$/.test(realm.slice(prefix.length)) ? realm : undefined;
}
