/**
 * Credentials of Google Cloud: how the first token is obtained, and the service account that it may be
 * exchanged for.
 */
import type { Secret } from "../../values/secret.ts";
import type { AwsCredentials } from "../aws/aws.ts";
import type { AwsKeysConfig } from "../aws/aws_keys.ts";
import type { TokenUse } from "../token_validation.ts";

/** Tokens of Google Cloud. */
export interface GoogleCredentials extends TokenUse {
  readonly kind: "google";
  readonly grant: GoogleGrant;
  /** Scopes of the token that is sent to the store, separated by blanks. */
  readonly scope: string;
  /** Of ID tokens, which are sent in place of access tokens; `undefined`: access tokens. */
  readonly audience?: string | undefined;
  /** The service account of the requests, if it is not that of the grant. */
  readonly impersonation: GoogleImpersonation | undefined;
  /** The project that requests are billed to (`x-goog-user-project`). */
  readonly quotaProject: string | undefined;
}

/** How the first token is obtained. */
export type GoogleGrant =
  | GoogleServiceAccount
  | GoogleAuthorizedUser
  | GoogleMetadata
  | GoogleFederation;

/** The key of a service account (JWT bearer grant, RFC 7523). */
export interface GoogleServiceAccount {
  readonly type: "service_account";
  readonly tokenEndpoint: string;
  readonly clientEmail: string;
  /** The `kid` of the assertion. */
  readonly privateKeyId: string | undefined;
  /** PEM, PKCS#8, RSA. */
  readonly privateKey: Secret;
}

/** The refresh token of a user. */
export interface GoogleAuthorizedUser {
  readonly type: "authorized_user";
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly refreshToken: Secret;
}

/** The metadata server of the machine, the pod or the service the gateway runs on. */
export interface GoogleMetadata {
  readonly type: "metadata";
  readonly origin: string;
  /** Email address of an attached service account, or `default`. */
  readonly account: string;
}

/** A token of another identity provider, exchanged (workload identity federation, RFC 8693). */
export interface GoogleFederation {
  readonly type: "external_account";
  readonly tokenEndpoint: string;
  readonly audience: string;
  readonly subjectTokenType: string;
  readonly subject: GoogleSubject;
  readonly client: { readonly id: string; readonly secret: Secret } | undefined;
  /** The project billed for the tokens of a workforce pool. */
  readonly workforceProject: string | undefined;
}

/** The source of the other provider's token. */
export type GoogleSubject = GoogleFileSubject | GoogleUrlSubject | GoogleAwsSubject;

/** A file that the other provider renews. */
interface GoogleFileSubject {
  readonly from: "file";
  /** Absolute path. */
  readonly file: string;
  /** The member of a JSON object with the token; `undefined`: the file contains only the token. */
  readonly field: string | undefined;
}

/** A response of the other provider. */
export interface GoogleUrlSubject {
  readonly from: "url";
  readonly url: string;
  readonly headers: Readonly<Record<string, Secret>>;
  /** As for a file. */
  readonly field: string | undefined;
}

/** A signed request of AWS's `GetCallerIdentity`, which Google sends to verify the identity. */
export interface GoogleAwsSubject {
  readonly from: "aws";
  /** At the Security Token Service of the region. */
  readonly url: string;
  readonly region: string;
  readonly keys: AwsKeysConfig;
  /** The Security Token Service for web identities. */
  readonly sts: AwsCredentials["sts"];
}

/** A service account that a token is issued for. */
export interface GoogleImpersonation {
  /** URL of `generateAccessToken`. */
  readonly url: string;
  /** Service accounts that delegate the permission. */
  readonly delegates: readonly string[];
  readonly lifetimeSeconds: number;
}
