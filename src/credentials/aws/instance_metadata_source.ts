/**
 * Keys of the role of an EC2 instance, from its metadata service: version 2 only, which requires a
 * session token, so that no other program can be tricked into forwarding a request to it.
 */
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
  withSilenceAdvice,
} from "../provider_exchange.ts";
import { instanceMetadataAdvice, instanceMetadataSilence } from "./advice.ts";
import { checkMetadataAnswer, explainMetadataKeys } from "./metadata_answer.ts";

const SERVICE = "EC2 instance metadata service";

/** The longest life of a session token that the service allows. */
const SESSION_SECONDS = 21_600;

const KEYS_PATH = "/latest/meta-data/iam/security-credentials/";

/**
 * Creates the source of an instance's keys. The service may return keys that it issued before.
 * `acquire` throws as `explainMetadataKeys` and `exchange`.
 *
 * @param endpoint Origin of the metadata service.
 */
export function instanceMetadataSource(
  endpoint: string,
  connection: ProviderConnection,
): TokenSource {
  const { server, clock } = connection;

  function request(
    path: string,
    signal: AbortSignal,
    init: { readonly method?: string; readonly headers: Readonly<Record<string, string>> },
  ): Promise<ProviderAnswer> {
    return exchange(connection, SERVICE, { url: endpoint + path, ...init, signal });
  }

  async function keys(signal: AbortSignal): Promise<Token> {
    const context = {
      server,
      service: SERVICE,
      endpoint,
      issuedAtMs: clock.now(),
      adviceByStatus: instanceMetadataAdvice,
    };
    const session = await request("/latest/api/token", signal, {
      method: "PUT",
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": String(SESSION_SECONDS) },
    });
    checkMetadataAnswer(session, { ...context, secrets: [] });
    const secrets = [session.body.trim()];
    const headers = { "x-aws-ec2-metadata-token": session.body.trim() };

    const roles = await request(KEYS_PATH, signal, { headers });
    checkMetadataAnswer(roles, { ...context, secrets });
    const role = roles.body.trim().split("\n")[0]!;
    if (!/^[\w+=,.@-]{1,64}$/.test(role)) {
      throw cannotFetch("TOK-005", server, `the answer of the ${SERVICE} names no role`);
    }
    const answer = await request(KEYS_PATH + encodeURIComponent(role), signal, { headers });
    return explainMetadataKeys(answer, { ...context, secrets });
  }

  return {
    endpoint,
    fingerprint: fingerprint(["instance_metadata", endpoint]),
    // No response: this is no instance, or a container behind the hop limit.
    acquire: (signal) =>
      withSilenceAdvice(
        instanceMetadataSilence,
        signal,
        withinTimeLimit(connection, SERVICE, signal, keys),
      ),
  };
}
