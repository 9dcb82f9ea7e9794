/**
 * Who calls the gateway, as the rest of it knows them.
 *
 * @module
 */

/** A client that has shown who it is, or need not. */
export interface Caller {
  /**
   * `user:{name}` by password, `key:{name}` by key, `jwt:{issuer}:{subject}` by token, each apart from
   * the others, so that no issuer can make a token that passes for a user; `anonymous` where nobody is
   * asked.
   */
  readonly subject: string;
  /** `role:{issuer}:{role}` of each role that a token gives. */
  readonly roles: readonly string[];
}

/** Whoever reaches a gateway that asks nobody who they are. */
export const ANONYMOUS: Caller = Object.freeze({ subject: "anonymous", roles: [] });

/** A caller whose credential was found right, and until when that counts. */
export interface VerifiedCaller {
  readonly caller: Caller;
  /** Milliseconds, by the wall clock. */
  readonly untilMs: number;
}
