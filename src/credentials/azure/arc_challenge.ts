/**
 * The challenge of the Azure Arc agent: it issues tokens only to a client that can read a file that it
 * names and that only root and the agent's group may read. The name comes over the network, so only
 * files directly in the agent's own directory are read.
 */
import { readCredentialFile } from "../credential_file.ts";
import { cannotFetch } from "../provider_exchange.ts";

/** The vendor's libraries refuse longer files. */
const MAX_SECRET_BYTES = 4096;

/**
 * Reads the secret that a challenge of the agent names.
 *
 * @param directory Absolute path of the agent's directory.
 * @throws {GatewayError} TOK-005 without a challenge or for a file elsewhere, AUTH-001 if the file
 * cannot be read.
 */
export async function answerArcChallenge(
  headers: Headers,
  directory: string,
  server: string,
): Promise<string> {
  const path = secretPath(headers.get("www-authenticate") ?? "", directory);
  if (path === undefined) {
    const state = "Azure Arc agent answered 401 without naming a key file of its own directory";
    throw cannotFetch("TOK-005", server, state, {
      troubleshooting: ["Azure Arc: check that the agent, and nothing else, answers at its port"],
    });
  }
  return await readCredentialFile(path, {
    server,
    code: "AUTH-001",
    what: "the key of the Azure Arc agent: ",
    step:
      "Azure Arc: add the user that the gateway runs as to the group himds and start it anew (on " +
      "Windows: Hybrid agent extension applications)",
    maxBytes: MAX_SECRET_BYTES,
  });
}

/**
 * The path of the file that a challenge names; `undefined` unless it is a `.key` file directly in the
 * directory.
 *
 * @param directory With the separator of this system.
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
