/**
 * Tokens of Google for an identity of another provider, whose token is exchanged for them (workload
 * identity federation; RFC 8693).
 */
import type {
  GoogleFederation,
  GoogleSubject,
} from "../../config/schemes/google/google_credentials.ts";
import { keysFingerprint } from "../aws/access_keys.ts";
import { clientSecretBasic } from "../oauth2/client_authentication.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "../oauth2/token_endpoint.ts";
import { awsKeysSource } from "./aws_subject_token.ts";
import { subjectToken } from "./subject_token.ts";

/**
 * Creates the source of a federated identity's tokens. Its `acquire` also throws as `subjectToken`.
 *
 * @param scope Scopes separated by blanks.
 */
export function federationSource(
  federation: GoogleFederation,
  scope: string,
  connection: ProviderConnection,
): TokenSource {
  const { type, audience, subject, subjectTokenType, tokenEndpoint, workforceProject } = federation;
  const client = federation.client &&
    { id: federation.client.id, secret: federation.client.secret.reveal() };
  const grant = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    audience,
    scope,
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    subject_token_type: subjectTokenType,
  });
  if (client === undefined && workforceProject !== undefined) {
    grant.set("options", JSON.stringify({ userProject: workforceProject }));
  }
  const print = fingerprint([
    type,
    tokenEndpoint,
    ...grant,
    client === undefined ? [] : [client.id, client.secret],
    subjectParts(subject, connection),
  ]);
  return {
    endpoint: tokenEndpoint,
    fingerprint: print,
    async acquire(signal) {
      const token = await subjectToken(federation, connection, signal);
      return await new TokenEndpoint({
        ...connection,
        url: tokenEndpoint,
        grant: new URLSearchParams([...grant, ["subject_token", token]]),
        authenticate: client === undefined ? () => {} : clientSecretBasic(client.id, client.secret),
        secrets: client === undefined ? [] : [client.secret],
        provider: "google",
        fingerprint: print,
      }).acquire(signal);
    },
  };
}

/** What distinguishes one subject from another. */
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
      const keys = keysFingerprint(awsKeysSource(subject, connection));
      return [subject.from, subject.url, subject.region, keys];
    }
  }
}
