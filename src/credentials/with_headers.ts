/**
 * Adds fixed headers to whatever an authorizer adds, such as the key of an API gateway beside a token.
 */
import type { Authorization, Authorizer } from "./authorizer.ts";

/**
 * @param headers With names in lower case; those of the authorizer override them.
 * @returns The authorizer itself if there are none.
 */
export function withHeaders(
  authorizer: Authorizer,
  headers: Readonly<Record<string, string>>,
): Authorizer {
  if (Object.keys(headers).length === 0) return authorizer;
  /** The same object for the same authorization, by which the authorizer recognizes it. */
  const extended = new WeakMap<Authorization, Authorization>();
  const originals = new WeakMap<Authorization, Authorization>();

  function extend(original: Authorization): Authorization {
    let authorization = extended.get(original);
    if (authorization === undefined) {
      authorization = Object.freeze({
        ...original,
        headers: Object.freeze({ ...headers, ...original.headers }),
      });
      extended.set(original, authorization);
      originals.set(authorization, original);
    }
    return authorization;
  }

  return {
    authorize(request) {
      const authorization = authorizer.authorize(request);
      return authorization instanceof Promise ? authorization.then(extend) : extend(authorization);
    },
    invalidate: (authorization, refusal) =>
      authorizer.invalidate(originals.get(authorization) ?? authorization, refusal),
    observe: (url, headers) => authorizer.observe?.(url, headers),
    describe: () => authorizer.describe(),
    renew: (signal) => authorizer.renew(signal),
    forget: (revocation) => authorizer.forget(revocation),
    close: () => authorizer.close(),
  };
}
