/**
 * For stores that ask for no credentials: adds nothing to a request.
 *
 * @module
 */
import type { Authorization, Authorizer, CredentialStatus } from "../authorizer.ts";

const NOTHING: Authorization = Object.freeze({ headers: Object.freeze({}) });

/** Signs nothing. */
export class NoneAuthorizer implements Authorizer {
  /** @returns Nothing to add. */
  authorize(): Authorization {
    return NOTHING;
  }

  /** @returns That asking again gives nothing else. */
  invalidate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** @returns That there is no credential. */
  describe(): CredentialStatus {
    return { kind: "none", endpoint: undefined, hasToken: false, expiresAtMs: undefined };
  }

  /** Does nothing: there is nothing to renew. */
  renew(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: nothing is cached. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: nothing is held. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
