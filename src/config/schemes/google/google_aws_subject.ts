/**
 * AWS as the identity provider of a Google workload identity pool: with the identity of the access keys
 * that the gateway finds like AWS's own tools.
 */
import { sources } from "../../values/sources.ts";
import { REGION, regionOf, stsEndpointOf } from "../aws/aws_hosts.ts";
import { findKeys } from "../aws/aws_keys.ts";
import type { GoogleAwsSubject } from "./google_credentials.ts";
import type { ExternalAccountFile, GoogleFileContext } from "./google_file_schema.ts";

/** URL of `GetCallerIdentity`. */
const VERIFICATION_URL =
  "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15";

/** The subject of a credentials file that names AWS, or `undefined` after a complaint. */
export function googleAwsSubject(
  source: ExternalAccountFile["credential_source"],
  { region: given, complain }: GoogleFileContext,
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

/** Google sends the signed request to this host, so it must be AWS's. */
function verificationUrl(template: string, region: string): string | undefined {
  const url = URL.parse(template.replaceAll("{region}", region));
  return url !== null && url.protocol === "https:" && url.port === "" &&
      url.hostname.startsWith("sts.") && regionOf(url.hostname) === region &&
      url.searchParams.get("Action") === "GetCallerIdentity"
    ? url.href
    : undefined;
}
