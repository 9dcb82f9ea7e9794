/**
 * The identity of a client.
 */

export interface Caller {
  /**
   * `user:{name}` by password, `key:{name}` by API key, `jwt:{issuer}:{subject}` by token; `anonymous`
   * without authentication. The prefixes prevent an issuer's token from impersonating a user.
   */
  readonly subject: string;
  /** `role:{issuer}:{role}` of each role in the token. */
  readonly roles: readonly string[];
}

/** Every client of a gateway without authentication. */
export const ANONYMOUS: Caller = Object.freeze({ subject: "anonymous", roles: [] });

export interface VerifiedCaller {
  readonly caller: Caller;
  /** End of the verification, in milliseconds since the epoch. */
  readonly untilMs: number;
}
