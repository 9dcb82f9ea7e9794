/**
 * All ways of signing that the configuration knows, and which one the keys of a server choose.
 *
 * @module
 */
import type { RawKeys } from "../read_context.ts";
import { aws } from "./aws.ts";
import { basic } from "./basic.ts";
import { bearerToken } from "./bearer_token.ts";
import { clientSecret } from "./client_secret.ts";
import { clientSecretJwt } from "./client_secret_jwt.ts";
import { federatedToken } from "./federated_token.ts";
import { fixedHeaders } from "./fixed_headers.ts";
import { google } from "./google.ts";
import { managedIdentity } from "./managed_identity.ts";
import { mutualTls } from "./mutual_tls.ts";
import { noCredentials } from "./no_credentials.ts";
import { privateKeyJwt } from "./private_key_jwt.ts";
import type { SigningWay } from "./signing_way.ts";
import { smart } from "./smart.ts";

/** All ways of signing. */
export const signingWays: readonly SigningWay[] = [
  google,
  clientSecret,
  clientSecretJwt,
  privateKeyJwt,
  mutualTls,
  federatedToken,
  smart,
  managedIdentity,
  aws,
  bearerToken,
  basic,
  fixedHeaders,
  noCredentials,
];

/** What a key that chooses is taken for where it is missing. */
const DEFAULTS: RawKeys = { ProviderType: "auto", ClientAuthentication: "client_secret_post" };

/** The way that was chosen; or the key that chooses none, and between what it should choose. */
export type Choice =
  | { readonly way: SigningWay }
  | {
    readonly way: undefined;
    readonly key: string;
    readonly allowed: readonly string[];
    readonly candidates: readonly SigningWay[];
  };

/**
 * Finds the way of signing that the keys of a server choose.
 *
 * @param raw The server's keys as written.
 * @param ways The ways to choose from; the first that fits is taken.
 * @returns The way, or why there is none.
 */
export function chooseWay(raw: RawKeys, ways: readonly SigningWay[] = signingWays): Choice {
  let candidates = ways;
  for (const key of new Set(ways.flatMap((way) => Object.keys(way.chosenBy)))) {
    const value = raw[key] ?? DEFAULTS[key];
    const fitting = candidates.filter(({ chosenBy }) =>
      chosenBy[key]?.includes(value as string) ?? true
    );
    if (fitting.length === 0) {
      const allowed = new Set(candidates.flatMap(({ chosenBy }) => chosenBy[key] ?? []));
      return { way: undefined, key, allowed: [...allowed], candidates };
    }
    candidates = fitting;
  }
  return { way: candidates.find((way) => way.applies(raw)) ?? candidates[0]! };
}
