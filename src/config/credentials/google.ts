/**
 * `ProviderType: "google"`: a service account's key, the metadata server, a federated identity or a
 * user's refresh token. With a `ClientId` instead, as the plugin had it, it means client credentials,
 * which are another way.
 *
 * @module
 */
import { z } from "zod";
import type { GoogleCredentials } from "../google_config.ts";
import { isLoopback } from "../host_names.ts";
import { fileContent, isObject, type RawKeys, type ReadContext } from "../read_context.ts";
import { filePath, httpUrl, text } from "../value_schemas.ts";
import { REGION } from "./aws_hosts.ts";
import { keyVariables } from "./aws_keys.ts";
import { type GoogleFile, readGoogleFile } from "./google_file.ts";
import { IMPERSONATION_SECONDS } from "./google_file_schema.ts";
import { GOOGLE_IAM_ORIGIN, impersonationUrl } from "./google_hosts.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import { buildTokenRules, checkTokenKeys, tokenKeys } from "./token_keys.ts";

/** Scope of the Cloud Healthcare API. */
const GOOGLE_HEALTHCARE_SCOPE = "https://www.googleapis.com/auth/cloud-healthcare";

const email = () =>
  z.string().regex(/^[^\s/:@]+@[^\s/:@]+$/, "must be the email address of a service account");

/** The keys of which one says where the first token comes from. */
const SOURCES = ["ServiceAccountKey", "CredentialsFile", "CredentialSource"] as const;

const ownKeys = {
  ServiceAccountKey: z.union([text(), z.looseObject({})], {
    error: "must be the key in JSON, as an object or as text",
  }).optional().describe(
    "The key of a service account in JSON, as an object or as text: `${file:PATH}`",
  ),
  CredentialsFile: filePath().optional().describe(
    "Path of a file of Google's: a service account's key, a configuration of workload identity " +
      "federation, or what `gcloud auth application-default login` writes",
  ),
  CredentialSource: z.enum(["metadata"]).optional().describe(
    "`metadata`: the metadata server of the machine, the pod or the service the gateway runs on",
  ),
  ServiceAccount: z.union([z.literal("default"), email()], {
    error: 'must be the email address of a service account, or "default"',
  }).optional().describe("With `metadata`: which attached service account; `default` unless given"),
  ImpersonateServiceAccount: email().optional().describe(
    "Email address of a service account in whose name requests are sent",
  ),
  Region: z.string().regex(REGION, "must be a region of AWS, as in eu-west-1").optional().describe(
    "Where the credentials file names AWS as the other provider: the region whose Security Token " +
      "Service Google asks, unless AWS_REGION or AWS_DEFAULT_REGION in the environment names it",
  ),
  QuotaProject: text().regex(/^[a-z0-9:.-]+$/, "must be the identifier or number of a project")
    .optional().describe("Project that requests are billed to, as a user's credentials need it"),
};

/** Tokens of Google Cloud. */
export const google: SigningWay = signingWay({
  title: "Google",
  description: "A service account, the metadata server or a federated identity of Google Cloud.",
  chosenBy: { ProviderType: ["google"] },
  applies: (raw) =>
    Object.keys(ownKeys).some((key) => raw[key] !== undefined) ||
    !["ClientId", "ClientSecret", "ClientAuthentication"].some((key) => raw[key] !== undefined),
  environment: ["GCE_METADATA_HOST", "AWS_REGION", "AWS_DEFAULT_REGION", ...keyVariables],
  keys: {
    ProviderType: z.literal("google").describe("Tokens of Google Cloud"),
    ...ownKeys,
    Scope: text().default(GOOGLE_HEALTHCARE_SCOPE).describe("Scopes, separated by blanks"),
    TokenEndpoint: httpUrl({ query: true }).optional().describe(
      "URL of the token endpoint, or of the token exchange, in place of the one that the file names, " +
        "which must be Google's",
    ),
    ...tokenKeys,
  },
  check(raw, context) {
    checkSource(raw, context);
    warn(raw, readFile(raw, context), context);
    const { environment: { GCE_METADATA_HOST: host }, report, path } = context;
    if (host !== undefined && !httpUrl().safeParse(`http://${host}`).success) {
      report.add(
        "CFG-002",
        [...path, "CredentialSource"],
        "the environment variable GCE_METADATA_HOST holds no host",
      );
    }
    checkTokenKeys(raw, context);
  },
  build(keys, context): GoogleCredentials {
    const account = keys.ImpersonateServiceAccount;
    const file: GoogleFile | undefined = keys.CredentialSource === undefined
      ? readFile(keys, context)
      : {
        grant: {
          type: "metadata",
          origin: `http://${
            context.environment["GCE_METADATA_HOST"] ?? "metadata.google.internal"
          }`,
          account: keys.ServiceAccount ?? "default",
        },
        impersonation: undefined,
        quotaProject: undefined,
      };
    if (file === undefined) throw new TypeError("Cannot build a server that was found wrong");
    return {
      kind: "google",
      grant: file.grant,
      scope: keys.Scope,
      impersonation: account === undefined ? file.impersonation : {
        url: impersonationUrl({ origin: GOOGLE_IAM_ORIGIN, account }),
        delegates: [],
        lifetimeSeconds: IMPERSONATION_SECONDS,
      },
      quotaProject: keys.QuotaProject ?? file.quotaProject,
      ...buildTokenRules(keys),
    };
  },
});

function checkSource(raw: RawKeys, { path, report }: ReadContext): void {
  const given = SOURCES.filter((key) => raw[key] !== undefined);
  if (given.length === 0) {
    report.add(
      "CFG-001",
      [...path, "CredentialsFile"],
      'Google needs CredentialsFile, ServiceAccountKey or "CredentialSource": "metadata" (or, for ' +
        "client credentials, ClientId)",
    );
  }
  for (const key of given.slice(1)) {
    report.add("CFG-002", [...path, key], `must not stand beside ${given[0]}; remove one`);
  }
  const isMetadata = raw["CredentialSource"] !== undefined;
  const misplaced = isMetadata ? "TokenEndpoint" : "ServiceAccount";
  if (raw[misplaced] !== undefined && given.length > 0) {
    report.add(
      "CFG-002",
      [...path, misplaced],
      `has no meaning ${isMetadata ? "with" : "without"} "CredentialSource": "metadata"; remove it`,
    );
  }
}

/** Reads the file or the key, and reports what is wrong with it. */
function readFile(raw: RawKeys, context: ReadContext): GoogleFile | undefined {
  const { path, report, directory, files, environment } = context;
  const { ServiceAccountKey: key, CredentialsFile: file, TokenEndpoint: endpoint } = raw;
  const region = typeof raw["Region"] === "string" ? raw["Region"] : undefined;
  const at = key === undefined ? "CredentialsFile" : "ServiceAccountKey";
  const complain = (fault: string) => report.add("CFG-002", [...path, at], fault);
  const json = isObject(key) ? key : parsed(key ?? fileContent(files, file), complain);
  if (json === undefined) return undefined;
  if (key !== undefined && isObject(json) && json["type"] !== "service_account") {
    complain(
      'must be a service account\'s key ("type": "service_account"); for another, give CredentialsFile',
    );
    return undefined;
  }
  const tokenEndpoint = typeof endpoint === "string" && URL.canParse(endpoint)
    ? endpoint
    : undefined;
  return readGoogleFile(json, { directory, environment, region, tokenEndpoint, complain });
}

function parsed(text: unknown, complain: (fault: string) => void): unknown {
  if (typeof text !== "string" || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    complain("is not JSON");
    return undefined;
  }
}

function warn(raw: RawKeys, file: GoogleFile | undefined, { path, report }: ReadContext): void {
  if (isOverheard(raw["TokenEndpoint"])) {
    report.warn(
      [...path, "TokenEndpoint"],
      "the credential and the token travel unencrypted; use https:// if possible",
    );
  }
  if (file?.grant.type !== "external_account" || file.grant.subject.from !== "url") return;
  if (isOverheard(file.grant.subject.url)) {
    report.warn(
      [...path, "CredentialsFile"],
      "the other provider's token travels to the gateway unencrypted",
    );
  }
}

/** Metadata services speak plain HTTP, but within one machine or its host. */
function isOverheard(url: unknown): boolean {
  if (typeof url !== "string" || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !isLoopback(hostname) && !hostname.startsWith("169.254.");
}
