/**
 * Tokens of Google for those who are known to another identity provider: that one's token is exchanged
 * for them (workload identity federation; RFC 8693).
 *
 * @module
 */
import type {
  GoogleFederation,
  GoogleSubject,
} from "../../config/schemes/google/google_credentials.ts";
import { clientSecretBasic } from "../oauth2/client_authentication.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "../oauth2/token_endpoint.ts";
import type { AuthenticateClient } from "../oauth2/token_request.ts";
import { withOAuthError } from "./google_error.ts";
import { awsKeysSource } from "./aws_subject_token.ts";
import { subjectToken } from "./subject_token.ts";

/** An identity of another provider. */
export class FederationSource implements TokenSource {
  readonly fingerprint: string;
  readonly #federation: GoogleFederation;
  readonly #connection: ProviderConnection;
  readonly #grant: URLSearchParams;
  readonly #authenticate: AuthenticateClient;

  /**
   * @param federation The pool's provider and where the other token comes from.
   * @param scope Scopes to ask for, separated by blanks.
   */
  constructor(federation: GoogleFederation, scope: string, connection: ProviderConnection) {
    const { audience, client, subject, subjectTokenType, tokenEndpoint, workforceProject } =
      federation;
    this.#federation = federation;
    this.#connection = connection;
    this.#grant = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience,
      scope,
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token_type: subjectTokenType,
    });
    if (client === undefined && workforceProject !== undefined) {
      this.#grant.set("options", JSON.stringify({ userProject: workforceProject }));
    }
    this.#authenticate = client === undefined
      ? () => {}
      : clientSecretBasic(client.id, client.secret.reveal());
    this.fingerprint = fingerprint([
      federation.type,
      tokenEndpoint,
      ...this.#grant,
      client === undefined ? [] : [client.id, client.secret.reveal()],
      subjectParts(subject, connection),
    ]);
  }

  /** The token exchange. */
  get endpoint(): string {
    return this.#federation.tokenEndpoint;
  }

  /**
   * Gets the other provider's token and exchanges it, once.
   *
   * @throws {GatewayError} As `subjectToken` and `TokenEndpoint.request`.
   */
  async acquire(signal: AbortSignal): Promise<Token> {
    const { client, tokenEndpoint } = this.#federation;
    const token = await subjectToken(this.#federation, this.#connection, signal);
    const endpoint = new TokenEndpoint({
      ...this.#connection,
      url: tokenEndpoint,
      secrets: client === undefined ? [token] : [token, client.secret.reveal()],
      provider: "google",
      translate: withOAuthError,
    });
    const grant = new URLSearchParams(this.#grant);
    grant.set("subject_token", token);
    return await endpoint.request(grant, this.#authenticate, signal);
  }
}

/** What makes one subject another than the next. */
function subjectParts(subject: GoogleSubject, connection: ProviderConnection): string[] {
  switch (subject.from) {
    case "file":
      return [subject.from, subject.file, subject.field ?? ""];
    case "url": {
      const headers = Object.entries(subject.headers).flatMap(([name, value]) => [
        name,
        value.reveal(),
      ]);
      return [subject.from, subject.url, subject.field ?? "", ...headers];
    }
    case "aws": {
      const keys = awsKeysSource(subject, connection);
      const whose = "acquire" in keys ? [keys.fingerprint] : Object.values(keys).map(String);
      return [subject.from, subject.url, subject.region, ...whose];
    }
  }
}
