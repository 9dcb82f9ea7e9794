/**
 * What signing for AWS needs: where access keys come from, which role is assumed with them, and what
 * of a request the signature covers.
 *
 * @module
 */
import type { Secret } from "./secret.ts";

/** Signature Version 4 of AWS. */
export interface AwsCredentials {
  readonly kind: "aws";
  /** The region in the signature, such as `eu-west-1`. */
  readonly region: string;
  /** The service in the signature. */
  readonly service: string;
  readonly keys: AwsKeysConfig;
  /** The role that is assumed with those keys; `undefined`: they sign themselves. */
  readonly role: AwsRole | undefined;
  /** The Security Token Service, which web identities and roles are taken to. */
  readonly sts: { readonly url: string; readonly region: string };
  readonly payloadSigning: PayloadSigning;
  /** How long before their expiry keys are renewed. */
  readonly refreshBufferMs: number;
}

/** What of a body the signature covers: its hash, nothing, or chunk after chunk. */
export type PayloadSigning = "sha256" | "unsigned" | "streaming";

/** Where access keys come from. */
export type AwsKeysConfig =
  | {
    readonly from: "configuration";
    readonly accessKeyId: string;
    readonly secretAccessKey: Secret;
    readonly sessionToken: Secret | undefined;
  }
  | {
    readonly from: "web_identity";
    readonly roleArn: string;
    readonly sessionName: string;
    /** Absolute path of the file that holds the token of the other identity provider. */
    readonly tokenFile: string;
  }
  | {
    readonly from: "container";
    readonly url: string;
    /** What the `Authorization` header holds: itself, or the absolute path of a file with it. */
    readonly authorization:
      | { readonly value: Secret }
      | { readonly file: string }
      | undefined;
  }
  | {
    readonly from: "instance_metadata";
    /** Origin of the instance metadata service. */
    readonly endpoint: string;
  };

/** A role that is assumed. */
export interface AwsRole {
  readonly arn: string;
  readonly externalId: Secret | undefined;
  readonly sessionName: string;
  readonly durationSeconds: number;
}
