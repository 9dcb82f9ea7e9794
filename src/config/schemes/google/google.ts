/**
 * `ProviderType: "google"`: a service account's key, the metadata server, a federated identity or a
 * user's refresh token. With `ClientId`, as in the plugin, it means client credentials instead.
 */
import { ifGiven } from "../../values/complaint.ts";
import { z } from "zod";
import { isLoopback, isPlaintext } from "../../values/host_names.ts";
import type { Complain } from "../../values/keys_of.ts";
import { sources } from "../../values/sources.ts";
import {
  fileContent,
  httpUrl,
  isHttpUrl,
  SECRET_DOCUMENT,
  secretKinds,
  text,
} from "../../values/value_schemas.ts";
import { parseJson } from "../../values/json_text.ts";
import { awsReach } from "../aws/aws.ts";
import { awsRegion } from "../aws/aws_hosts.ts";
import { type Reach, scheme, type Warning } from "../scheme.ts";
import {
  keysReach,
  tokenKeys,
  tokenUseOf,
  validationRules,
  validationWarnings,
} from "../token_validation.ts";
import type { GoogleCredentials } from "./google_credentials.ts";
import { type GoogleFile, readGoogleFile } from "./google_file.ts";
import { IMPERSONATION_SECONDS } from "./google_file_schema.ts";
import { GOOGLE_IAM_ORIGIN, impersonationUrl } from "./google_hosts.ts";

const GOOGLE_HEALTHCARE_SCOPE = "https://www.googleapis.com/auth/cloud-healthcare";

const email = () =>
  z.string().regex(/^[^\s/:@]+@[^\s/:@]+$/, "must be the email address of a service account");

/** The alternative sources of the first token. */
const SOURCES = ["ServiceAccountKey", "CredentialsFile", "CredentialSource"] as const;

/** A key written as an object: each of its members may be or contain a secret. */
const keyObject = z.looseObject({}).register(secretKinds, SECRET_DOCUMENT);

const ownKeys = {
  ServiceAccountKey: z.union([json(text().register(secretKinds, SECRET_DOCUMENT)), keyObject], {
    error: ifGiven("must be the key in JSON, as an object or as text"),
  }).optional().describe(
    "The key of a service account in JSON, as an object or as text: `${file:PATH}`",
  ),
  CredentialsFile: json(fileContent()).optional().describe(
    "Path of a file of Google's: a service account's key, a configuration of workload identity " +
      "federation, or what `gcloud auth application-default login` writes",
  ),
  CredentialSource: z.enum(["metadata"]).optional().describe(
    "`metadata`: the metadata server of the machine, the pod or the service the gateway runs on",
  ),
  ServiceAccount: z.union([z.literal("default"), email()], {
    error: ifGiven('must be the email address of a service account, or "default"'),
  }).optional().describe("With `metadata`: attached service account; default: `default`"),
  ImpersonateServiceAccount: email().optional().describe(
    "Email address of a service account to impersonate",
  ),
  Region: awsRegion.optional().describe(
    "Where the credentials file names AWS as the other provider: the region whose Security Token " +
      "Service Google calls, unless AWS_REGION or AWS_DEFAULT_REGION in the environment names it",
  ),
  QuotaProject: text().regex(/^[a-z0-9:.-]+$/, "must be the identifier or number of a project")
    .optional().describe("Project that requests are billed to, as a user's credentials need it"),
};

const keys = {
  ProviderType: z.literal("google").describe("Tokens of Google Cloud"),
  ...ownKeys,
  Scope: text().default(GOOGLE_HEALTHCARE_SCOPE).describe("Scopes, separated by blanks"),
  Audience: text().optional().describe(
    "Send ID tokens for this audience in place of access tokens: the client ID of Identity-Aware " +
      "Proxy, or the URL of a Cloud Run service. `Scope` then has no effect",
  ),
  TokenEndpoint: httpUrl({ query: true }).optional().describe(
    "URL of the token endpoint, or of the token exchange, in place of the one that the file names, " +
      "which must be Google's",
  ),
  ...tokenKeys,
};

type Keys = z.output<z.ZodObject<typeof keys>>;

export const google = scheme({
  title: "Google",
  description: "A service account, the metadata server or a federated identity of Google Cloud.",
  applies: (written) =>
    Object.keys(ownKeys).some((key) => written[key] !== undefined) ||
    !["ClientId", "ClientSecret", "ClientAuthentication"].some((key) => written[key] !== undefined),
  keys,
  rules: [sourceRule, metadataRule, fileRule, audienceRule, ...validationRules],
  warnings: (keys) => [...plaintextWarnings(keys), ...validationWarnings(keys)],
  credentials(keys): GoogleCredentials {
    const account = keys.ImpersonateServiceAccount;
    const file = keys.CredentialSource === undefined ? fileOf(keys, () => {}) : metadataFile(keys);
    if (file === undefined) throw new TypeError("Cannot parse credentials that break a rule");
    return {
      kind: "google",
      grant: file.grant,
      scope: keys.Scope,
      audience: keys.Audience,
      impersonation: account === undefined ? file.impersonation : {
        url: impersonationUrl({ origin: GOOGLE_IAM_ORIGIN, account }),
        delegates: [],
        lifetimeSeconds: IMPERSONATION_SECONDS,
      },
      quotaProject: keys.QuotaProject ?? file.quotaProject,
      ...tokenUseOf(keys),
    };
  },
  reach(credentials) {
    const reach = grantReach(credentials);
    const { urls, possibleUrls } = keysReach(credentials.tokenValidation);
    return { ...reach, urls: [...reach.urls ?? [], ...urls], possibleUrls };
  },
});

function sourceRule(keys: Keys, complain: Complain): void {
  const given = SOURCES.filter((key) => keys[key] !== undefined);
  if (given.length === 0) {
    complain(
      "CredentialsFile",
      'Google needs CredentialsFile, ServiceAccountKey or "CredentialSource": "metadata" (or, for ' +
        "client credentials, ClientId)",
    );
  }
  for (const key of given.slice(1)) complain(key, `conflicts with ${given[0]}; remove one`);
  const isMetadata = keys.CredentialSource !== undefined;
  const misplaced = isMetadata ? "TokenEndpoint" : "ServiceAccount";
  if (keys[misplaced] !== undefined && given.length > 0) {
    complain(
      misplaced,
      `has no meaning ${isMetadata ? "with" : "without"} "CredentialSource": "metadata"; remove it`,
    );
  }
}

function metadataRule(_: Keys, complain: Complain): void {
  const { GCE_METADATA_HOST: host } = sources().environment;
  if (host === undefined || isHttpUrl(`http://${host}`)) return;
  const state = "the environment variable GCE_METADATA_HOST is not a host";
  complain("CredentialSource", state, "CFG-002");
}

function fileRule(keys: Keys, complain: Complain): void {
  fileOf(keys, (fault) => complain(keyOfFile(keys), fault));
}

/** Google issues ID tokens for any audience to service accounts only. */
function audienceRule(keys: Keys, complain: Complain): void {
  if (keys.Audience === undefined || keys.ImpersonateServiceAccount !== undefined) return;
  const file = fileOf(keys, () => {});
  if (file === undefined || file.impersonation !== undefined) return;
  if (file.grant.type === "service_account") return;
  complain("Audience", "needs ImpersonateServiceAccount: only service accounts get ID tokens");
}

function keyOfFile(keys: Keys): "CredentialsFile" | "ServiceAccountKey" {
  return keys.ServiceAccountKey === undefined ? "CredentialsFile" : "ServiceAccountKey";
}

/** The contents of the file or the key; `undefined` if there is none or it is invalid. */
function fileOf(keys: Keys, complain: (fault: string) => void): GoogleFile | undefined {
  const { ServiceAccountKey: key, CredentialsFile: file } = keys;
  const json = key ?? file;
  if (json === undefined) return undefined;
  const type = (json as { readonly type?: unknown } | null)?.type;
  if (key !== undefined && typeof json === "object" && type !== "service_account") {
    complain(
      'must be a service account\'s key ("type": "service_account"); for another, give CredentialsFile',
    );
    return undefined;
  }
  return readGoogleFile(json, {
    region: keys.Region,
    tokenEndpoint: keys.TokenEndpoint,
    complain,
  });
}

function metadataFile(keys: Keys): GoogleFile {
  const host = sources().environment["GCE_METADATA_HOST"] ?? "metadata.google.internal";
  return {
    grant: {
      type: "metadata",
      origin: `http://${host}`,
      account: keys.ServiceAccount ?? "default",
    },
    impersonation: undefined,
    quotaProject: undefined,
  };
}

function plaintextWarnings(keys: Keys): Warning[] {
  const warnings: Warning[] = [];
  if (isExposed(keys.TokenEndpoint)) {
    const message = "the credential and the token travel unencrypted; use https:// if possible";
    warnings.push({ key: "TokenEndpoint", message });
  }
  const grant = fileOf(keys, () => {})?.grant;
  if (
    grant?.type === "external_account" && grant.subject.from === "url" &&
    isExposed(grant.subject.url)
  ) {
    const message = "the other provider's token travels to the gateway unencrypted";
    warnings.push({ key: "CredentialsFile", message });
  }
  return warnings;
}

/** Metadata services use plain HTTP, but within one machine or its host. */
function isExposed(url: string | undefined): boolean {
  return isPlaintext(url) && !isLinkLocal(url);
}

function grantReach({ grant, impersonation }: GoogleCredentials): Partial<Reach> {
  const urls = impersonation === undefined ? [] : [impersonation.url];
  if (grant.type === "metadata") return { urls, localUrls: [grant.origin] };
  urls.push(grant.tokenEndpoint);
  if (grant.type !== "external_account") return { urls };
  const { subject } = grant;
  if (subject.from === "file") return { urls, files: [subject.file] };
  if (subject.from === "aws") {
    const { keys, sts } = subject;
    const reach = awsReach({ keys, role: undefined, sts, payloadSigning: "unsigned" });
    return { ...reach, urls: [...urls, ...reach.urls ?? []] };
  }
  return isLocal(subject.url)
    ? { urls, localUrls: [subject.url] }
    : { urls: [...urls, subject.url] };
}

/** Whether a URL is that of a service of this machine or its platform, such as metadata. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return isLoopback(hostname) || isLinkLocal(url) || hostname === "metadata.google.internal";
}

function isLinkLocal(url: string | undefined): boolean {
  return URL.parse(url ?? "")?.hostname.startsWith("169.254.") ?? false;
}

/** Text that is JSON; parses to its value. */
function json(text: z.ZodType<string, string>) {
  return text.transform((value, context): unknown => {
    const { value: json, fault } = parseJson(value);
    if (fault === undefined) return json;
    context.addIssue({ code: "custom", message: fault });
    return z.NEVER;
  });
}
