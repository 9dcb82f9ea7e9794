/**
 * Regions of AWS, and how its host names contain them.
 */
import { z } from "zod";

export const REGION = /^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/;

export const awsRegion = z.string().regex(REGION, "must be a region of AWS, as in eu-west-1");

const DOMAINS = [
  ".amazonaws.com",
  ".amazonaws.com.cn",
  ".api.aws",
  ".api.amazonwebservices.com.cn",
];

/** The region in the name of a host; `undefined` if there is none, or if the host is not AWS's. */
export function regionOf(hostname: string): string | undefined {
  if (!DOMAINS.some((domain) => hostname.endsWith(domain))) return undefined;
  // The oldest address of the Security Token Service, without a region.
  if (hostname === "sts.amazonaws.com") return "us-east-1";
  return hostname.split(".").find((label) => REGION.test(label));
}

/** The URL of the Security Token Service of a region. */
export function stsEndpointOf(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`;
}
