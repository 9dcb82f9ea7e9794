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
import { headerValues, lowerCaseNames } from "../values/header_values.ts";
import { type Complain, isObject, keysOf, PLAIN_NAME, recordOf } from "../values/keys_of.ts";
import { certificatesFile, flag, flagFromText, httpUrl, whole } from "../values/value_schemas.ts";
import { clientCertificate } from "./client_certificate.ts";
import { noProxy } from "./proxy.ts";
import { rateLimitOf, rateLimitRule, serverRateLimitKeys } from "./rate_limit.ts";
import { resilience, timeouts } from "./resilience.ts";
import { sources } from "../values/sources.ts";
import { distance, profileName, profileOf, rules } from "./store_profile.ts";
import { storeResilience } from "./store_resilience.ts";

const verifySsl = z.preprocess(
  flagFromText,
  z.union([
    z.boolean().refine(
      (value) => value,
      "must not be false: certificate verification cannot be disabled for one host only; write the " +
        "host's certificate or that of its authority to a PEM file and give its path instead",
    ).transform((): string[] => []),
    certificatesFile(),
  ], { error: ifGiven("must be true or the path of a PEM file") }),
);

/** The credential goes there: no second reading, no other host. */
const wadoUriPath = z.string().regex(
  /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+$/,
  "must be a path such as /wado: segments of unreserved characters, without a query or a slash at its end",
);

export const serverKeys = {
  Url: httpUrl().describe("Base URL of the store's DICOMweb service"),
  WadoUriPath: wadoUriPath.optional().describe(
    "Path of the store's WADO-URI service on the host of `Url`, such as `/wado` of Orthanc or " +
      "`/dcm4chee-arc/aets/DCM4CHEE/wado`; WADO-URI requests to `/dicom-web/{server}` and " +
      "`/dicom-web/{server}/wado` are sent there. By default they go to the same paths below `Url`",
  ),
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
  Distance: distance.describe(
    "`far`: a round trip to the store takes more than about 5 ms, so that uploads and retrievals use several connections at once and viewers " +
      "are served from memory; `near`: everything streams through. Sets some rules, which `Rules` can override; see " +
      "[profiles.md](profiles.md#distance). By default `far` for the profiles `azure`, `google` and `aws`, else `near`",
  ),
  Rules: rules.optional().describe(
    "Overridden rules of the profile, by name; see [profiles.md](profiles.md)",
  ),
  Headers: headerValues().optional().describe(
    "Headers added to each request to the store beside its credential, such as the key of an API " +
      "gateway; values better `${NAME}` or `${file:PATH}` than the secret itself",
  ),
  ...serverRateLimitKeys,
  ReadOnly: flag().default(false).describe(
    "Reject, for every client, all requests except queries, retrievals and others that are known to only read",
  ),
  Http2: flag().default(false).describe(
    "Use HTTP/2 for GET and HEAD to the store; uploads and changes use HTTP/1.1, which the store must support, too: a store " +
      "that ends an HTTP/2 connection would fail the uploads on it. HTTP/1.1 is faster for large transfers. Over HTTP/2 an answer " +
      "without `Content-Length` that is neither multipart, JSON, XML nor text is rejected (502 NET-009): a truncated response could not be detected",
  ),
  Compression: flag().optional().describe(
    "Allow the store to compress responses, which saves time on slow links and costs time on fast ones; " +
      "`false` for a store on this machine or in a private network, given by its address, else `true`",
  ),
  Proxy: noProxy.optional().describe(
    "`false`: contact the store and its identity provider without the egress proxy",
  ),
  MaxTargetLength: whole(1024, 60_000).default(16_384).describe(
    "Longest path and query below `Url`, in characters; longer ones are rejected (414 NET-005). " +
      "Lists of UIDs and frames get long. Orthanc accepts about 13,000, many proxies 8,000; the runtime rejects more than 65,534",
  ),
  Timeouts: timeouts.prefault({}).describe("Timeouts for the store and the token endpoint"),
  ResilienceConfig: resilience.prefault({}).describe(
    "Retries and circuit breaker of token requests; keys that are missing here are those of " +
      "`ResilienceConfig` of the section, if it has them",
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
    ...(scheme.chosenBy["ProviderType"]?.some((type) => NO_OTHER.has(type)) ? [] : [headersRule]),
    ...scheme.rules as [],
  );
  return keys.transform((keys) => serverOf(keys, scheme));
}

/** The schemes that set no header of their own. */
const NO_OTHER: ReadonlySet<string> = new Set(["headers", "none"]);

/** Names of headers that credentials consist of. */
const CREDENTIAL_HEADER = /^(?:authorization|dpop|x-amz-.*)$/i;

function headersRule({ Headers: headers }: ServerKeys, complain: Complain): void {
  for (const name of Object.keys(headers ?? {}).filter((name) => CREDENTIAL_HEADER.test(name))) {
    complain("Headers", `must not contain ${name}, which the credential sets; remove it`);
  }
}

function serverOf(keys: ServerKeys, scheme: AnyScheme<CredentialsConfig>) {
  const { credentials, reach, warnings } = scheme.parse(keys as never);
  return {
    url: withoutTrailingSlash(keys.Url),
    /** Where WADO-URI requests are sent, if not below `url`. */
    wadoUri: keys.WadoUriPath && new URL(keys.WadoUriPath, keys.Url).href,
    aliases: keys.StoreAliases.map(withoutTrailingSlash),
    credentials,
    reach,
    warnings: [...transportWarnings(keys, scheme), ...warnings],
    tls: {
      /** PEM certificates trusted besides those of the system. */
      caCertificatesPem: keys.VerifySSL,
      ...(keys.ClientCertificate && { clientCertificate: keys.ClientCertificate }),
    },
    /** Sent beside the credential; names in lower case. */
    headers: lowerCaseNames(credentials.kind === "headers" ? {} : keys.Headers),
    profile: profileOf(keys.Url, keys),
    readOnly: keys.ReadOnly,
    /** `undefined`: the gateway's limit applies. */
    rateLimit: rateLimitOf(keys),
    http2: keys.Http2,
    /** Whether the egress proxy is used, unless a host is one of its exceptions. */
    mayProxy: keys.Proxy !== false,
    compression: keys.Compression ?? !isNearby(new URL(keys.Url).hostname),
    maxTargetLength: keys.MaxTargetLength,
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
  const complete = withSharedResilience(written);
  if (choice.scheme === undefined) {
    const { key, allowed } = choice;
    const message = notOneOf(written[key], allowed);
    context.addIssue({ code: "custom", path: [key], message });
  }
  const schema = choice.scheme ? serverSchema(choice.scheme) : undecided(choice.candidates);
  const result = await schema.safeParseAsync(complete, {
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

/** A server's own keys of `ResilienceConfig` take precedence over those of the section. */
function withSharedResilience(written: WrittenKeys): WrittenKeys {
  const { ResilienceConfig: shared } = sources().section;
  const { ResilienceConfig: own = {} } = written;
  // The section reports the problems of its own.
  if (!isObject(shared) || !isObject(own) || !resilience.safeParse(shared).success) return written;
  return { ...written, ResilienceConfig: { ...shared, ...own } };
}

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
  HttpHeaders:
    'unknown key; it is called Headers, and needs "ProviderType": "headers" if it is the only credential',
  DicomWebRoot: "unknown key; the base URL of the store is called Url",
};

/** For Azure, names its other schemes as well, which a message about OAuth2 does not suggest. */
function missingKey(key: string, scheme: AnyScheme | undefined, written: WrittenKeys): string {
  const isOfScheme = scheme !== undefined && Object.hasOwn(scheme.keys, key);
  if (key in serverKeys && !isOfScheme) return `a server needs ${key}`;
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
