/**
 * One entry of `Servers`: the keys every server has, joined with those of its way of signing.
 *
 * @module
 */
import { z } from "zod";
import {
  buildClientCertificate,
  checkClientCertificate,
  clientCertificateSchema,
} from "./client_certificate.ts";
import { withoutTrailing } from "../dicomweb/without_trailing.ts";
import { isEntra } from "./credentials/entra.ts";
import { chooseWay, signingWays } from "./credentials/signing_ways.ts";
import type { SigningWay } from "./credentials/signing_way.ts";
import type { ServerConfig } from "./gateway_config.ts";
import { isLoopback, isNearby } from "./host_names.ts";
import { certificatesIn } from "./pem.ts";
import { fileContent, isObject, type RawKeys, type ReadContext } from "./read_context.ts";
import { buildRateLimit, checkRateLimit, serverRateLimitKeys } from "./rate_limit.ts";
import { buildResilience, buildTimeouts, resilienceSchema, timeoutsSchema } from "./resilience.ts";
import { notOneOf, reportIssues } from "./schema_issues.ts";
import { buildStoreResilience, storeResilienceSchema } from "./store_resilience.ts";
import { buildProfile, profileSchema, rulesSchema } from "./store_profile.ts";
import { fileKeys, flag, httpUrl, text } from "./value_schemas.ts";

/** What the name of a server may look like: it stands in paths, metrics and logs. */
export const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const verifySsl = z.preprocess(
  (value) => value === "true" ? true : value === "false" ? false : value,
  z.union([z.boolean(), text()], { error: "must be true or the path of a PEM file" })
    .refine(
      (value) => value !== false,
      "must not be false: certificates cannot be left unverified for one host alone; write the " +
        "host's certificate or that of its authority to a PEM file and give its path instead",
    ),
).register(fileKeys, { file: true });

/** The keys that every server has. */
export const serverKeys = {
  Url: httpUrl().describe("Base URL of the store's DICOMweb service"),
  VerifySSL: verifySsl.default(true).describe(
    "`true`, or the path of a PEM file with certificates to trust besides those of the system, for " +
      "the store and its identity provider. `false`, which the plugin allowed, is refused",
  ),
  ClientCertificate: clientCertificateSchema.optional().describe(
    "Certificate that the gateway shows where the other side asks for one (mutual TLS)",
  ),
  Profile: profileSchema.describe(
    "What kind of store it is, which decides what is put right between it and clients; see " +
      "[profiles.md](profiles.md). The clouds' stores are known by their hosts, all others are " +
      "`generic` unless told",
  ),
  Rules: rulesSchema.optional().describe(
    "Rules of the profile that are set otherwise, by name; see [profiles.md](profiles.md)",
  ),
  ...serverRateLimitKeys,
  ReadOnly: flag().default(false).describe(
    "Refuse everyone whatever may change something at the store: all but queries, retrievals and " +
      "other requests that are known to read",
  ),
  Http2: flag().default(false).describe(
    "Speak HTTP/2 to the store. HTTP/1.1 is faster for large transfers. Over HTTP/2 an answer " +
      "without `Content-Length` that is neither multipart, JSON, XML nor text is refused (502 " +
      "NET-009): half of it could not be told from all of it",
  ),
  Compression: flag().optional().describe(
    "Let the store compress its answers, which saves time on slow lines and costs it on fast ones; " +
      "`false` for a store on this machine or in a private network, given by its address, else `true`",
  ),
  Timeouts: timeoutsSchema.prefault({}).describe("Limits of waiting"),
  ResilienceConfig: resilienceSchema.prefault({}).describe(
    "Trying again and giving up where a token is wanted",
  ),
  StoreResilience: storeResilienceSchema.prefault({}).describe(
    "Trying again, giving up and waiting in line where the store is wanted",
  ),
};

const serverKeysSchema = z.object(serverKeys);
const schemas = new Map<SigningWay, z.ZodObject>();

/**
 * The schema of a server that signs in one way.
 *
 * @param way The way of signing.
 * @returns The schema of all keys such a server has.
 */
export function serverSchema(way: SigningWay): z.ZodObject {
  const known = schemas.get(way);
  if (known !== undefined) return known;
  const schema = z.strictObject({ ...serverKeys, ...way.keys });
  schemas.set(way, schema);
  return schema;
}

/** Where the way of signing is not known, a key may be that of any, and none of them is required. */
function undecidedSchema(candidates: readonly SigningWay[]): z.ZodObject {
  const keys = candidates.flatMap((way) => Object.entries(way.keys)).toReversed();
  const optional = keys.map(([key, schema]) => [key, z.optional(schema as z.ZodType)]);
  return z.strictObject({ ...serverKeys, ...Object.fromEntries(optional) });
}

/** Keys that plugin users may have met, and what became of them. */
const FORMER_KEYS: Readonly<Record<string, string>> = {
  HttpHeaders: 'unknown key; it is called Headers and needs "ProviderType": "headers"',
  DicomWebRoot: "unknown key; the base URL of the store is called Url",
};

/**
 * Checks one server and reports everything that is wrong with it.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkServer(raw: unknown, context: ReadContext): void {
  const { path, report } = context;
  if (!isObject(raw)) {
    report.add("CFG-002", path, "must be an object");
    return;
  }
  const choice = chooseWay(raw);
  if (choice.way === undefined) {
    report.add("CFG-002", [...path, choice.key], notOneOf(raw[choice.key], choice.allowed));
  }
  const { way } = choice;
  const schema = choice.way ? serverSchema(choice.way) : undecidedSchema(choice.candidates);
  const result = schema.safeParse(raw);
  if (!result.success) {
    reportIssues(result.error, {
      schema,
      raw,
      path,
      report,
      needs: (key) => missingKey(key, way, raw),
      unknown: (key) => foreignKey(key, way, raw),
    });
  }
  checkTransport(raw, way, context);
  checkRateLimit(raw, context);
  checkClientCertificate(raw, context);
  const checks = new Set((way ? [way] : choice.candidates).map((candidate) => candidate.check));
  if (checks.size === 1) checks.forEach((check) => check(raw, context));
}

/**
 * Makes a server's configuration.
 *
 * @param name The server's name.
 * @param raw The server's object, found right.
 * @param context Where it stands.
 * @returns The server.
 */
export function buildServer(name: string, raw: RawKeys, context: ReadContext): ServerConfig {
  const keys = serverKeysSchema.parse(raw);
  const { way } = chooseWay(raw);
  if (way === undefined) throw new TypeError("Cannot build a server that was found wrong");
  const caFile = fileContent(context.files, keys.VerifySSL);
  return {
    name,
    url: withoutTrailingSlash(keys.Url),
    credentials: way.read(raw, context),
    tls: {
      caCertificatesPem: caFile === undefined ? [] : certificatesIn(caFile),
      clientCertificate: keys.ClientCertificate &&
        buildClientCertificate(keys.ClientCertificate, context.files),
    },
    profile: buildProfile(keys.Url, keys.Profile, keys.Rules),
    readOnly: keys.ReadOnly,
    rateLimit: buildRateLimit(keys),
    http2: keys.Http2,
    compression: keys.Compression ?? !isNearby(new URL(keys.Url).hostname),
    timeouts: buildTimeouts(keys.Timeouts),
    resilience: buildResilience(keys.ResilienceConfig),
    storeResilience: buildStoreResilience(keys.StoreResilience),
  };
}

/**
 * A URL as the gateway joins paths to it.
 *
 * @param url A URL without query and fragment.
 * @returns The same, normalised, without slashes at its end.
 */
export function withoutTrailingSlash(url: string): string {
  return withoutTrailing(new URL(url).href, "/");
}

function checkTransport(raw: RawKeys, way: SigningWay | undefined, context: ReadContext): void {
  const { path, report, files } = context;
  const pem = fileContent(files, raw["VerifySSL"]);
  if (pem !== undefined && certificatesIn(pem).length === 0) {
    report.add(
      "CFG-002",
      [...path, "VerifySSL"],
      "must be a PEM file with at least one certificate (BEGIN CERTIFICATE); " +
        "`openssl x509 -inform der -in FILE` converts others",
    );
  }
  const url = raw["Url"];
  if (
    typeof url !== "string" || !URL.canParse(url) || way?.chosenBy["ProviderType"]?.[0] === "none"
  ) {
    return;
  }
  const { protocol, hostname } = new URL(url);
  if (protocol === "http:" && !isLoopback(hostname)) {
    report.warn(
      [...path, "Url"],
      "credentials and images travel unencrypted; use https:// if possible",
    );
  }
}

/** Azure has more ways than the secret, none of which a message about OAuth2 would call to mind. */
function missingKey(key: string, way: SigningWay | undefined, raw: RawKeys): string {
  if (key in serverKeys) return `a server needs ${key}`;
  if (key !== "ClientSecret" || !isEntra(raw)) return `${way?.title} needs ${key}`;
  return 'Azure needs ClientSecret, or "ClientAuthentication": "private_key_jwt" with the key of a ' +
    'certificate or "federated_token", or "ProviderType": "azuremanagedidentity"';
}

/** What to say of a key that another way of signing has, such as that of another `ClientAuthentication`. */
function foreignKey(key: string, way: SigningWay | undefined, raw: RawKeys): string | undefined {
  const owners = signingWays.filter((each) => Object.hasOwn(each.keys, key));
  const differences = owners.map((owner) => choicesBetween(owner, way));
  const [nearest] = differences.sort((one, other) => one.length - other.length);
  if (nearest === undefined) return Object.hasOwn(FORMER_KEYS, key) ? FORMER_KEYS[key] : undefined;
  const choices = nearest.map(([choosing, values]) =>
    `${choosing} ${values.map((value) => JSON.stringify(value)).join(", ")}`
  );
  const isOther = nearest.some(([choosing]) => raw[choosing] !== undefined);
  const remedy = isOther ? "choose that instead" : "write that as well";
  return `belongs to ${choices.join(" with ")}; ${remedy}, or remove this key`;
}

/** The keys by whose values one way is chosen and the other is not. */
function choicesBetween(
  owner: SigningWay,
  way: SigningWay | undefined,
): [choosing: string, values: readonly string[]][] {
  const choices = Object.entries(owner.chosenBy);
  const different = choices.filter(([choosing, values]) =>
    !way?.chosenBy[choosing]?.some((value) => values.includes(value))
  );
  // Another ProviderType means all else by itself.
  const provider = different.find(([choosing]) => choosing === "ProviderType");
  return provider === undefined ? different : [provider];
}
