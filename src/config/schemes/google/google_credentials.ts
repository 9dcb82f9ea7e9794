/**
 * What signing with a token of Google needs: how the first token is got, and the service account that
 * it may be exchanged for.
 *
 * @module
 */
import type { Secret } from "../../values/secret.ts";
import type { AwsCredentials } from "../aws/aws.ts";
import type { AwsKeysConfig } from "../aws/aws_keys.ts";
import type { TokenUse } from "../token_use.ts";

/** Tokens of Google Cloud. */
export interface GoogleCredentials extends TokenUse {
  readonly kind: "google";
  readonly grant: GoogleGrant;
  /** Scopes of the token that is sent to the store, separated by blanks. */
  readonly scope: string;
  /** The service account in whose name requests are sent, where it is not the grant's own. */
  readonly impersonation: GoogleImpersonation | undefined;
  /** The project that is billed for requests (`x-goog-user-project`), where one is named. */
  readonly quotaProject: string | undefined;
}

/** How the first token is got. */
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
  /** The `kid` of the assertion, where the key names one. */
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
  /** Origin of the metadata server. */
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

/** Where the other provider's token comes from. */
export type GoogleSubject = GoogleFileSubject | GoogleUrlSubject | GoogleAwsSubject;

/** A file that the other provider renews. */
export interface GoogleFileSubject {
  readonly from: "file";
  /** Absolute path. */
  readonly file: string;
  /** The member of a JSON object that holds the token; `undefined`: the token is all there is. */
  readonly field: string | undefined;
}

/** An answer of the other provider. */
export interface GoogleUrlSubject {
  readonly from: "url";
  readonly url: string;
  readonly headers: Readonly<Record<string, Secret>>;
  /** As of a file. */
  readonly field: string | undefined;
}

/** A request of AWS's `GetCallerIdentity`, signed but not sent: Google sends it to see who it is. */
export interface GoogleAwsSubject {
  readonly from: "aws";
  /** The URL of the request, at the Security Token Service of the region. */
  readonly url: string;
  readonly region: string;
  readonly keys: AwsKeysConfig;
  /** The Security Token Service that web identities are taken to. */
  readonly sts: AwsCredentials["sts"];
}

/** A service account in whose name a token is made. */
export interface GoogleImpersonation {
  /** URL of `generateAccessToken`. */
  readonly url: string;
  /** Service accounts through which the permission is handed on. */
  readonly delegates: readonly string[];
  readonly lifetimeSeconds: number;
}
