/**
 * What the names of AWS's hosts tell: the region that requests to them are signed for.
 *
 * @module
 */

/** The form of a region's name. */
export const REGION = /^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/;

/** What AWS's hosts end with. */
const DOMAINS = [
  ".amazonaws.com",
  ".amazonaws.com.cn",
  ".api.aws",
  ".api.amazonwebservices.com.cn",
];

/**
 * The region of a host.
 *
 * @returns The region, where the name holds one and the host is AWS's own.
 *
 * @example
 * ```ts
 * import { regionOf } from "./aws_hosts.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(regionOf("dicom-medical-imaging.eu-west-1.amazonaws.com"), "eu-west-1");
 * assert.equal(regionOf("vpce-1.sts.us-gov-west-1.vpce.amazonaws.com"), "us-gov-west-1");
 * assert.equal(regionOf("dicom-medical-imaging.eu-west-1.amazonaws.com.evil.example"), undefined);
 * ```
 */
export function regionOf(hostname: string): string | undefined {
  if (!DOMAINS.some((domain) => hostname.endsWith(domain))) return undefined;
  // Of the Security Token Service at its oldest address, which stands for no region.
  if (hostname === "sts.amazonaws.com") return "us-east-1";
  return hostname.split(".").find((label) => REGION.test(label));
}

/**
 * The Security Token Service of a region.
 *
 * @returns Its URL.
 */
export function stsEndpointOf(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`;
}
