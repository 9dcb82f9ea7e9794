/**
 * Possible causes of an error response of a store, for the status page.
 */
export const STORE_HINTS = {
  failing: "the store reports an internal error; contact its operator.",
  full: "the store is out of disk space or over its quota; contact its operator.",
  refusing:
    "the store rejects the credential or denies permission; check audience, scope and roles.",
  long: "its limit for request headers may be less than the credential's length; " +
    "raise it, or let the identity provider issue shorter tokens.",
  misplaced: "no such path; check the path of Url: studies are searched at Url " +
    "followed by /studies.",
} as const;
