/**
 * The headers of a store's answer that reach the client, each with its reason: the filter, its tests and
 * `docs/security/headers.md` derive from this table.
 *
 * It is a list of what passes: whatever a store says of itself as an origin (cookies, HSTS, policies,
 * challenges) would hold for the gateway's origin, and new headers of this kind appear every year.
 *
 * @module
 */
import type { HeaderRule } from "./stopped_request_headers.ts";

/** All others stop. Names only, no patterns. */
export const PASSED_RESPONSE_HEADERS: readonly HeaderRule[] = [
  {
    kind: "The content",
    names: [
      "accept-ranges",
      "content-disposition",
      "content-encoding",
      "content-language",
      "content-length",
      "content-location",
      "content-range",
      "content-type",
      "last-modified",
      "etag",
    ],
    reason: "They describe the body (PS3.18, section 8.4; RFC 9110, section 8)",
  },
  {
    kind: "Digests",
    names: ["content-digest", "content-md5", "digest", "repr-digest"],
    reason:
      "By them a client finds a damaged body (RFC 9530); dropped where the gateway changes it",
  },
  {
    kind: "The outcome",
    names: [
      "accept",
      "accept-patch",
      "accept-post",
      "allow",
      "link",
      "location",
      "preference-applied",
      "retry-after",
      "warning",
    ],
    reason:
      "PS3.18 and RFC 9110 have clients act by them; URLs in them become the gateway's, and " +
      "`Location` of a redirect never gets here",
  },
  {
    kind: "Caching",
    names: ["age", "cache-control", "date", "expires", "pragma", "vary"],
    reason:
      "How long the client's own cache may keep the answer; what would let shared caches keep " +
      "it is taken out",
  },
  {
    kind: "Counts and pages",
    names: [
      "total-count",
      "x-next-page",
      "x-page",
      "x-per-page",
      "x-prev-page",
      "x-total",
      "x-total-count",
      "x-total-pages",
    ],
    reason: "How many matches a search has and which of them these are, at stores that tell so; " +
      "dropped where the gateway collects the pages",
  },
  {
    kind: "Azure",
    names: ["erroneous-dicom-attributes"],
    reason:
      "Attributes that a search could not rely on (conformance statement of the DICOM service)",
  },
  {
    kind: "Identifiers for the vendor's support",
    names: [
      "apim-request-id",
      "request-id",
      "x-amz-apigw-id",
      "x-amz-cf-id",
      "x-amz-id-2",
      "x-amz-request-id",
      "x-amzn-errortype",
      "x-amzn-requestid",
      "x-amzn-trace-id",
      "x-azure-ref",
      "x-cloud-trace-context",
      "x-correlation-id",
      "x-goog-request-id",
      "x-guploader-uploadid",
      "x-ms-activity-id",
      "x-ms-correlation-request-id",
      "x-ms-error-code",
      "x-ms-request-id",
    ],
    reason: "The first thing that support asks for. They name one request and grant nothing; " +
      "`X-Request-ID` is the gateway's own",
  },
];
