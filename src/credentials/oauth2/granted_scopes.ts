/**
 * Finds the requested scopes that a provider silently left out. It may grant fewer than requested
 * without an error (RFC 6749, section 3.3), and the store then refuses requests with 403.
 */
import { decodeJwt } from "jose";
import type { Logger } from "../../telemetry/logger.ts";
import type { Clock } from "../../network/clock.ts";
import type { Token, TokenSource } from "../token.ts";

export const SCOPE_ADVICE = "Check Scope, and that the provider grants it to this client";

/**
 * The scopes of an access token in JWT form (RFC 9068, section 2.2.3; `scp` of Entra ID and Okta).
 *
 * @returns Undefined for a token in another form.
 */
export function jwtScopes(value: string): readonly string[] | undefined {
  try {
    const { scope, scp } = decodeJwt<Record<string, unknown>>(value);
    return [scope, scp].flat().flatMap((each) => typeof each === "string" ? words(each) : []);
  } catch {
    return undefined;
  }
}

/**
 * Compares the requested scopes with those of the token response and of the token itself. Entra ID
 * replaces `/.default` by scopes of other names, and SMART servers replace wildcards (`*`).
 *
 * @example
 * ```ts
 * import { scopesNotGranted } from "./granted_scopes.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(scopesNotGranted("read write", { value: "opaque", scope: "read" }), ["write"]);
 * ```
 */
export function scopesNotGranted(
  requested: string | undefined,
  { value, scope }: Pick<Token, "value" | "scope">,
): string[] {
  const inResponse = scope === undefined ? undefined : words(scope);
  const inToken = jwtScopes(value);
  // A JWT without the claim lacks all, unless the response lists what is granted.
  const lists = [inResponse, inResponse && inToken?.length === 0 ? undefined : inToken]
    .filter((list) => list !== undefined);
  return [...new Set(words(requested ?? ""))].filter((each) =>
    !each.endsWith("/.default") && !each.includes("*") &&
    lists.some((list) => !list.includes(each))
  );
}

/**
 * Logs the scopes that the tokens of a source lack, each set once. What another worker's token lacks
 * was logged there.
 */
export function reportScopes(
  source: TokenSource,
  { server, requested, logger, clock }: {
    readonly server: string;
    readonly requested: string | undefined;
    readonly logger: Logger;
    readonly clock: Pick<Clock, "now">;
  },
): TokenSource {
  const startMs = clock.now();
  const reported = new Set([""]);
  const isNew = (lacking: string) => !reported.has(lacking) && reported.add(lacking);
  return {
    get endpoint() {
      return source.endpoint;
    },
    fingerprint: source.fingerprint,
    async acquire(signal) {
      const token = await source.acquire(signal);
      const lacking = scopesNotGranted(requested, token).join(" ");
      if (isNew(lacking)) {
        logger.warn(`The token for server "${server}" lacks a requested scope: ${lacking}`, {
          server,
          error_code: "AUTH-002",
          endpoint: source.endpoint,
          advice: SCOPE_ADVICE,
        });
      }
      return token;
    },
    async accepts(stored, signal) {
      // One that is older was logged by a process that has ended.
      if (stored.issuedAtMs >= startMs) isNew(scopesNotGranted(requested, stored).join(" "));
      return await source.accepts?.(stored, signal) ?? true;
    },
  };
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
