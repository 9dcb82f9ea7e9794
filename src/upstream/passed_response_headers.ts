/**
 * The headers of a store's response that reach the client, each with its reason: the filter, its tests
 * and `docs/security/headers.md` derive from this table.
 *
 * It is an allowlist: what a store says about itself as an origin (cookies, HSTS, policies, challenges)
 * would apply to the gateway's origin, and new headers of this kind appear every year.
 */
import type { HeaderRule } from "./stopped_request_headers.ts";

/** All others are removed. Names only, no patterns. */
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
      "Clients detect a damaged body by them (RFC 9530); removed if the gateway changes the body",
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
      "Clients act on them by PS3.18 and RFC 9110; their URLs are rewritten, and redirects are never passed on",
  },
  {
    kind: "Caching",
    names: ["age", "cache-control", "date", "expires", "pragma", "vary"],
    reason:
      "How long the client's own cache may store the response; directives for shared caches are removed",
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
    reason:
      "Number and range of a search's matches, if the store sends them; removed if the gateway collects the pages",
  },
  {
    kind: "Azure",
    names: ["erroneous-dicom-attributes"],
    reason:
      "Attributes that a search could not use reliably (conformance statement of the DICOM service)",
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
    reason:
      "Support asks for them first. They identify one request and grant nothing; `X-Request-ID` is the gateway's own",
  },
];
