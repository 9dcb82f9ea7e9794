/**
 * AWS as the other provider of a Google workload identity pool: the identity that is shown is that of
 * the access keys which the gateway finds as AWS's own tools do.
 *
 * @module
 */
import { sources } from "../../values/sources.ts";
import { REGION, regionOf, stsEndpointOf } from "../aws/aws_hosts.ts";
import { findKeys } from "../aws/aws_keys.ts";
import type { GoogleAwsSubject } from "./google_credentials.ts";

/** What finding the identity needs. */
export interface AwsSubjectContext {
  /** The region, where the configuration names one. */
  readonly region: string | undefined;
  /** Takes what is wrong, as the end of a sentence that begins with the file. */
  readonly complain: (fault: string) => void;
}

/** The `credential_source` of AWS in a credentials file. */
export interface AwsCredentialSource {
  readonly environment_id?: string | undefined;
  /** URL of `GetCallerIdentity`, with `{region}` where the region stands. */
  readonly regional_cred_verification_url?: string | undefined;
}

const VERIFICATION_URL =
  "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";

/**
 * Makes the subject of a credentials file that names AWS.
 *
 * @returns The subject, or `undefined` after a complaint.
 */
export function googleAwsSubject(
  source: AwsCredentialSource,
  { region: given, complain }: AwsSubjectContext,
): GoogleAwsSubject | undefined {
  if (source.environment_id !== "aws1") {
    complain('has a "credential_source.environment_id" other than "aws1"');
    return undefined;
  }
  const { environment } = sources();
  const region = given ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"];
  if (region === undefined || !REGION.test(region)) {
    complain("names AWS: set Region, or AWS_REGION in the environment");
    return undefined;
  }
  const url = verificationUrl(source.regional_cred_verification_url ?? VERIFICATION_URL, region);
  if (url === undefined) {
    complain('has a "credential_source.regional_cred_verification_url" that is none of AWS\'s');
    return undefined;
  }
  const keys = findKeys({});
  if ("code" in keys) {
    complain(`names AWS: ${keys.message}`);
    return undefined;
  }
  return { from: "aws", url, region, keys, sts: { url: stsEndpointOf(region), region } };
}

/** The signature is good for this host alone, so that it must be AWS's. */
function verificationUrl(template: string, region: string): string | undefined {
  const url = URL.parse(template.replaceAll("{region}", region));
  return url !== null && url.protocol === "https:" && url.port === "" &&
      url.hostname.startsWith("sts.") && regionOf(url.hostname) === region &&
      url.searchParams.get("Action") === "GetCallerIdentity"
    ? url.href
    : undefined;
}
