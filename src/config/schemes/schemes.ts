/**
 * All credential schemes, and the one that the keys of a server choose.
 */
import { aws } from "./aws/aws.ts";
import { managedIdentity } from "./azure/managed_identity.ts";
import { httpBasic } from "./fixed/basic.ts";
import { bearerToken } from "./fixed/bearer_token.ts";
import { fixedHeaders } from "./fixed/fixed_headers.ts";
import { noCredentials } from "./fixed/no_credentials.ts";
import { google } from "./google/google.ts";
import { clientSecret } from "./oauth2/client_secret.ts";
import { clientSecretJwt } from "./oauth2/client_secret_jwt.ts";
import { federatedToken } from "./oauth2/federated_token.ts";
import { mutualTls } from "./oauth2/mutual_tls.ts";
import { privateKeyJwt } from "./oauth2/private_key_jwt.ts";
import { smart } from "./oauth2/smart.ts";
import { type AnyScheme, CHOOSING_KEYS, type WrittenKeys } from "./scheme.ts";

const all = [
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
  httpBasic,
  fixedHeaders,
  noCredentials,
] as const;

type CredentialsOf<Scheme> = Scheme extends AnyScheme<infer Credentials> ? Credentials : never;

/** The credentials of all schemes, distinguished by `kind`. */
export type CredentialsConfig = CredentialsOf<(typeof all)[number]>;

export const schemes: readonly AnyScheme<CredentialsConfig>[] = all;

/** The defaults of the choosing keys. */
const DEFAULTS: WrittenKeys = { ProviderType: "auto", ClientAuthentication: "client_secret_post" };

/** The chosen scheme; or the key whose value chooses none, its allowed values, and their schemes. */
type Choice =
  | { readonly scheme: AnyScheme<CredentialsConfig> }
  | {
    readonly scheme: undefined;
    readonly key: string;
    readonly allowed: readonly string[];
    readonly candidates: readonly AnyScheme[];
  };

/** The scheme that the keys of a server choose: the first that fits. */
export function chooseScheme(written: WrittenKeys): Choice {
  let candidates = schemes;
  for (const key of CHOOSING_KEYS) {
    const value = written[key] ?? DEFAULTS[key];
    const fitting = candidates.filter(({ chosenBy }) =>
      chosenBy[key]?.includes(value as string) ?? true
    );
    if (fitting.length === 0) {
      const allowed = new Set(candidates.flatMap(({ chosenBy }) => chosenBy[key] ?? []));
      return { scheme: undefined, key, allowed: [...allowed], candidates };
    }
    candidates = fitting;
  }
  return { scheme: candidates.find(({ applies }) => applies?.(written) ?? true) ?? candidates[0]! };
}
