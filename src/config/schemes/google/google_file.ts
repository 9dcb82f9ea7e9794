/**
 * Reads Google's credentials files: keys of service accounts, configurations of workload identity
 * federation, and the output of `gcloud auth application-default login`. Messages do not quote them.
 */
import { resolve } from "node:path";
import { Secret } from "../../values/secret.ts";
import { readPrivateKey } from "../../values/signing_key.ts";
import { sources } from "../../values/sources.ts";
import { googleAwsSubject } from "./google_aws_subject.ts";
import type { GoogleGrant, GoogleImpersonation, GoogleSubject } from "./google_credentials.ts";
import {
  type ExternalAccountFile,
  type GoogleFileContent,
  type GoogleFileContext,
  googleFileFault,
  googleFileSchema,
  IMPERSONATION_SECONDS,
  type ServiceAccountFile,
} from "./google_file_schema.ts";
import {
  impersonationParts,
  impersonationUrl,
  isGoogleSts,
  isGoogleTokenEndpoint,
} from "./google_hosts.ts";

/** A credentials file as read. */
export interface GoogleFile {
  readonly grant: GoogleGrant;
  readonly impersonation: GoogleImpersonation | undefined;
  readonly quotaProject: string | undefined;
}

/** Reads a credentials file; returns `undefined` after at least one complaint. */
export function readGoogleFile(json: unknown, context: GoogleFileContext): GoogleFile | undefined {
  const result = googleFileSchema.safeParse(json);
  if (!result.success) {
    for (const issue of result.error.issues) context.complain(googleFileFault(issue));
    return undefined;
  }
  const content = result.data;
  const grant = grantOf(content, context);
  const impersonation = impersonationOf(content, context);
  return grant === undefined || impersonation === null ? undefined : {
    grant,
    impersonation,
    quotaProject: content.quota_project_id,
  };
}

function grantOf(content: GoogleFileContent, context: GoogleFileContext): GoogleGrant | undefined {
  switch (content.type) {
    case "service_account":
      return serviceAccountGrant(content, context);
    case "authorized_user": {
      const tokenEndpoint = tokenEndpointOf(content.token_uri, "token_uri", context);
      return tokenEndpoint === undefined ? undefined : {
        type: content.type,
        tokenEndpoint,
        clientId: content.client_id,
        clientSecret: new Secret(content.client_secret),
        refreshToken: new Secret(content.refresh_token),
      };
    }
    case "external_account":
      return federationGrant(content, context);
    case "impersonated_service_account":
      return grantOf(content.source_credentials, context);
  }
}

function serviceAccountGrant(
  content: ServiceAccountFile,
  context: GoogleFileContext,
): GoogleGrant | undefined {
  const tokenEndpoint = tokenEndpointOf(content.token_uri, "token_uri", context);
  const { key, fault } = readPrivateKey(content.private_key);
  if (key === undefined || !key.algorithms.includes("RS256")) {
    context.complain(`has a "private_key" that ${fault ?? "is no RSA key"}`);
    return undefined;
  }
  return tokenEndpoint === undefined ? undefined : {
    type: content.type,
    tokenEndpoint,
    clientEmail: content.client_email,
    privateKeyId: content.private_key_id,
    privateKey: new Secret(String(key.key.export({ type: "pkcs8", format: "pem" }))),
  };
}

function federationGrant(
  content: ExternalAccountFile,
  context: GoogleFileContext,
): GoogleGrant | undefined {
  const tokenEndpoint = tokenEndpointOf(content.token_url, "token_url", context);
  const subject = subjectOf(content.credential_source, context);
  if ((content.client_id === undefined) !== (content.client_secret === undefined)) {
    context.complain('must have both of "client_id" and "client_secret", or none');
    return undefined;
  }
  return tokenEndpoint === undefined || subject === undefined ? undefined : {
    type: content.type,
    tokenEndpoint,
    audience: content.audience,
    subjectTokenType: content.subject_token_type,
    subject,
    client: content.client_id === undefined || content.client_secret === undefined
      ? undefined
      : { id: content.client_id, secret: new Secret(content.client_secret) },
    workforceProject: content.workforce_pool_user_project,
  };
}

function subjectOf(
  source: ExternalAccountFile["credential_source"],
  context: GoogleFileContext,
): GoogleSubject | undefined {
  const { complain } = context;
  const { format, file, url } = source;
  // Before "url", which is then that of AWS's metadata service.
  if (source.environment_id !== undefined) return googleAwsSubject(source, context);
  const field = format.type === "json" ? format.subject_token_field_name : undefined;
  if (format.type === "json" && field === undefined) {
    complain('lacks "credential_source.format.subject_token_field_name"');
    return undefined;
  }
  if (file !== undefined) return { from: "file", file: resolve(sources().directory, file), field };
  if (url !== undefined) {
    const headers = secretHeaders(source.headers);
    if (headers !== undefined) return { from: "url", url: new URL(url).href, headers, field };
    complain('has "credential_source.headers" that are no HTTP headers');
    return undefined;
  }
  const other = source["executable"] !== undefined
    ? "of a program, which the gateway may not run"
    : source["certificate"] !== undefined
    ? "of a client certificate, which the gateway does not know"
    : "neither of a file nor of a URL";
  complain(`has a "credential_source" ${other}`);
  return undefined;
}

function secretHeaders(
  headers: Readonly<Record<string, string>>,
): Record<string, Secret> | undefined {
  try {
    return Object.fromEntries(
      [...new Headers(headers)].map(([name, value]) => [name, new Secret(value)]),
    );
  } catch {
    return undefined;
  }
}

/** Returns `null` after a complaint. */
function impersonationOf(
  content: GoogleFileContent,
  { complain }: GoogleFileContext,
): GoogleImpersonation | undefined | null {
  if (content.type === "service_account" || content.type === "authorized_user") return undefined;
  const url = content.service_account_impersonation_url;
  if (url === undefined) return undefined;
  const parts = impersonationParts(url);
  if (parts === undefined) {
    complain('has a "service_account_impersonation_url" that is none of Google\'s');
    return null;
  }
  const isExternal = content.type === "external_account";
  return {
    url: impersonationUrl(parts),
    delegates: content.type === "impersonated_service_account" ? content.delegates : [],
    lifetimeSeconds: isExternal
      ? content.service_account_impersonation.token_lifetime_seconds
      : IMPERSONATION_SECONDS,
  };
}

function tokenEndpointOf(
  url: string,
  member: "token_uri" | "token_url",
  { tokenEndpoint, complain }: GoogleFileContext,
): string | undefined {
  if (tokenEndpoint !== undefined) return new URL(tokenEndpoint).href;
  if (member === "token_uri" ? isGoogleTokenEndpoint(url) : isGoogleSts(url)) return url;
  complain(
    `has a "${member}" that is none of Google's, so nothing is sent there; download the file again, ` +
      "or set TokenEndpoint if you mean it",
  );
  return undefined;
}
