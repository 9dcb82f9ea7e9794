/**
 * One entry of `Servers`: the keys every server has, joined with those of its credential scheme.
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import type { AnyScheme, StoreKeys, WrittenKeys } from "../schemes/scheme.ts";
import { isEntra } from "../schemes/azure/entra.ts";
import { chooseScheme, type CredentialsConfig, schemes } from "../schemes/schemes.ts";
import { byKey, complaint, ifGiven, MISSING, notOneOf } from "../values/complaint.ts";
import { isNearby, isPlaintext } from "../values/host_names.ts";
import { isObject, keysOf, PLAIN_NAME, recordOf } from "../values/keys_of.ts";
import { certificatesFile, flag, flagFromText, httpUrl } from "../values/value_schemas.ts";
import { clientCertificate } from "./client_certificate.ts";
import { noProxy } from "./proxy.ts";
import { rateLimitOf, rateLimitRule, serverRateLimitKeys } from "./rate_limit.ts";
import { resilience, timeouts } from "./resilience.ts";
import { profileName, profileOf, rules } from "./store_profile.ts";
import { storeResilience } from "./store_resilience.ts";

const verifySsl = z.preprocess(
  flagFromText,
  z.union([
    z.boolean().refine(
      (value) => value,
      "must not be false: certificate verification cannot be disabled for one host only; write the " +
        "host's certificate or that of its authority to a PEM file and give its path instead",
    ).transform((): string[] => []),
    certificatesFile("; `openssl x509 -inform der -in FILE` converts others"),
  ], { error: ifGiven("must be true or the path of a PEM file") }),
);

export const serverKeys = {
  Url: httpUrl().describe("Base URL of the store's DICOMweb service"),
  StoreAliases: z.array(httpUrl()).default([]).describe(
    "Further base URLs of the same store, by which it calls itself in responses, as behind a proxy " +
      "that strips a prefix or replaces `Host`. They are rewritten like `Url`, and never contacted",
  ),
  VerifySSL: verifySsl.prefault(true).describe(
    "`true`, or the path of a PEM file with certificates to trust besides those of the system, for " +
      "the store and its identity provider. `false`, which the plugin allowed, is rejected",
  ),
  ClientCertificate: clientCertificate.optional().describe(
    "Client certificate of the gateway for mutual TLS",
  ),
  Profile: profileName.describe(
    "Type of store, which decides what is normalized between it and clients; see " +
      "[profiles.md](profiles.md). The clouds' stores are known by their hosts, all others are `generic` by default",
  ),
  Rules: rules.optional().describe(
    "Overridden rules of the profile, by name; see [profiles.md](profiles.md)",
  ),
  ...serverRateLimitKeys,
  ReadOnly: flag().default(false).describe(
    "Reject, for every client, all requests except queries, retrievals and others that are known to only read",
  ),
  Http2: flag().default(false).describe(
    "Use HTTP/2 to the store. HTTP/1.1 is faster for large transfers. Over HTTP/2 an answer " +
      "without `Content-Length` that is neither multipart, JSON, XML nor text is rejected (502 NET-009): a truncated response could not be detected",
  ),
  Compression: flag().optional().describe(
    "Allow the store to compress responses, which saves time on slow links and costs time on fast ones; " +
      "`false` for a store on this machine or in a private network, given by its address, else `true`",
  ),
  Proxy: noProxy.optional().describe(
    "`false`: contact the store and its identity provider without the egress proxy",
  ),
  Timeouts: timeouts.prefault({}).describe("Timeouts for the store and the token endpoint"),
  ResilienceConfig: resilience.prefault({}).describe(
    "Retries and circuit breaker of token requests",
  ),
  StoreResilience: storeResilience.prefault({}).describe(
    "Retries, circuit breaker and concurrency of requests to the store",
  ),
};

type ServerKeys = z.output<z.ZodObject<typeof serverKeys>>;

/** The keys of a server with a credential scheme; parses to the server. */
function serverSchema(scheme: AnyScheme<CredentialsConfig>) {
  // The scheme alone knows the types of its own keys.
  const keys = keysOf(
    { ...serverKeys, ...scheme.keys } as typeof serverKeys,
    rateLimitRule,
    ...scheme.rules as [],
  );
  return keys.transform((keys) => serverOf(keys, scheme));
}

function serverOf(keys: ServerKeys, scheme: AnyScheme<CredentialsConfig>) {
  const { credentials, reach, warnings } = scheme.parse(keys as never);
  return {
    url: withoutTrailingSlash(keys.Url),
    aliases: keys.StoreAliases.map(withoutTrailingSlash),
    credentials,
    reach,
    warnings: [...transportWarnings(keys, scheme), ...warnings],
    tls: {
      /** PEM certificates trusted besides those of the system. */
      caCertificatesPem: keys.VerifySSL,
      ...(keys.ClientCertificate && { clientCertificate: keys.ClientCertificate }),
    },
    profile: profileOf(keys.Url, keys.Profile, keys.Rules),
    readOnly: keys.ReadOnly,
    /** `undefined`: the gateway's limit applies. */
    rateLimit: rateLimitOf(keys),
    http2: keys.Http2,
    /** Whether the egress proxy is used, unless a host is one of its exceptions. */
    mayProxy: keys.Proxy !== false,
    compression: keys.Compression ?? !isNearby(new URL(keys.Url).hostname),
    timeouts: keys.Timeouts,
    resilience: keys.ResilienceConfig,
    storeResilience: keys.StoreResilience,
  };
}

type NamelessServer = Frozen<ReturnType<typeof serverOf>>;

export interface ServerConfig extends NamelessServer {
  readonly name: string;
}

/** One entry of `Servers`, with the credential scheme that its keys choose. */
const server = z.unknown().transform(async (written, context): Promise<NamelessServer> => {
  if (!isObject(written)) {
    context.addIssue({ code: "custom", message: "must be an object" });
    return z.NEVER;
  }
  const choice = chooseScheme(written);
  if (choice.scheme === undefined) {
    const { key, allowed } = choice;
    const message = notOneOf(written[key], allowed);
    context.addIssue({ code: "custom", path: [key], message });
  }
  const schema = choice.scheme ? serverSchema(choice.scheme) : undecided(choice.candidates);
  const result = await schema.safeParseAsync(written, {
    error: (issue) => {
      const [key, ...more] = issue.path ?? [];
      if (issue.code !== "unrecognized_keys" && issue.input === undefined && more.length === 0) {
        return missingKey(String(key), choice.scheme, written);
      }
      return complaint(issue, (key) => foreignKey(key, choice.scheme, written));
    },
  });
  if (result.success) return result.data as NamelessServer;
  context.issues.push(...result.error.issues.flatMap(byKey) as z.core.$ZodRawIssue[]);
  return z.NEVER;
});

export const servers = recordOf(server, {
  names: PLAIN_NAME,
  misnamed:
    "the name of a server is a part of paths: it must start with a letter or digit, followed by letters, digits, '.', '_' and '-', 128 at most",
  empty: "must name at least one server",
}).transform((servers): ReadonlyMap<string, ServerConfig> =>
  new Map(Object.entries(servers).map(([name, server]) => [name, { name, ...server }]))
);

/** A URL that paths are appended to: normalized, without slashes at its end. */
export function withoutTrailingSlash(url: string): string {
  return withoutTrailing(new URL(url).href, "/");
}

/** The keys of a server whose scheme is unknown: those of all candidates, all optional. */
function undecided(candidates: readonly AnyScheme[]) {
  const keys = candidates.flatMap((scheme) => Object.entries(scheme.keys)).toReversed();
  const optional = keys.map(([key, schema]) => [key, z.optional(schema as z.ZodType)]);
  return keysOf({ ...serverKeys, ...Object.fromEntries(optional) } as typeof serverKeys);
}

function transportWarnings({ Url: url }: StoreKeys, { chosenBy }: AnyScheme) {
  if (!isPlaintext(url) || chosenBy["ProviderType"]?.[0] === "none") return [];
  const message = "credentials and images travel unencrypted; use https:// if possible";
  return [{ key: "Url", message }];
}

/** Keys of the plugin, and what replaced them. */
const FORMER_KEYS: Readonly<Record<string, string>> = {
  HttpHeaders: 'unknown key; it is called Headers and needs "ProviderType": "headers"',
  DicomWebRoot: "unknown key; the base URL of the store is called Url",
};

/** For Azure, names its other schemes as well, which a message about OAuth2 does not suggest. */
function missingKey(key: string, scheme: AnyScheme | undefined, written: WrittenKeys): string {
  if (key in serverKeys) return `a server needs ${key}`;
  if (scheme === undefined) return MISSING;
  const isAzure = isEntra({ ProviderType: "auto", ...written } as never);
  if (key !== "ClientSecret" || !isAzure) return `${scheme.title} needs ${key}`;
  return 'Azure needs ClientSecret, or "ClientAuthentication": "private_key_jwt" with the key of a ' +
    'certificate or "federated_token", or "ProviderType": "azuremanagedidentity"';
}

/** The message about a key of another scheme, such as another `ClientAuthentication`. */
function foreignKey(
  key: string,
  scheme: AnyScheme | undefined,
  written: WrittenKeys,
): string | undefined {
  const owners = schemes.filter((each) => Object.hasOwn(each.keys, key));
  const differences = owners.map((owner) => choicesBetween(owner, scheme));
  const [nearest] = differences.sort((one, other) => one.length - other.length);
  if (nearest === undefined) return Object.hasOwn(FORMER_KEYS, key) ? FORMER_KEYS[key] : undefined;
  const choices = nearest.map(([choosing, values]) =>
    `${choosing} ${values.map((value) => JSON.stringify(value)).join(", ")}`
  );
  const isOther = nearest.some(([choosing]) => written[choosing] !== undefined);
  const advice = isOther ? "choose that instead" : "write that as well";
  return `belongs to ${choices.join(" with ")}; ${advice}, or remove this key`;
}

/** The keys whose values choose `owner` and not `scheme`. */
function choicesBetween(
  owner: AnyScheme,
  scheme: AnyScheme | undefined,
): [choosing: string, values: readonly string[]][] {
  const choices = Object.entries(owner.chosenBy);
  const different = choices.filter(([choosing, values]) =>
    !scheme?.chosenBy[choosing]?.some((value) => values.includes(value))
  );
  // Another ProviderType alone chooses the scheme.
  const provider = different.find(([choosing]) => choosing === "ProviderType");
  return provider === undefined ? different : [provider];
}
