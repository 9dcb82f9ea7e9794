/**
 * Tokens of a managed identity of Azure, from the service of the gateway's platform: the instance
 * metadata service of a machine, the identity endpoint of App Service and Container Apps, or the agent
 * of Azure Arc. None of them receives a secret that Azure did not put there itself.
 */
import type { IdentityService } from "../../config/schemes/azure/azure_platform.ts";
import type { ManagedIdentity } from "../../config/schemes/azure/managed_identity.ts";
import { answerArcChallenge } from "./arc_challenge.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import { explainIdentityAnswer } from "./managed_identity_answer.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
  withSilenceAdvice,
} from "../provider_exchange.ts";

/** A platform's name in messages, the API version that its documents show, and its parameters. */
const PLATFORMS: Readonly<
  Record<IdentityService["platform"], {
    readonly name: string;
    readonly apiVersion: string;
    /** The parameter that names a user-assigned identity by its resource. */
    readonly resourceParameter: string;
    /** What to do if it does not answer. */
    readonly silence: readonly string[];
  }>
> = {
  vm: {
    name: "Azure instance metadata service",
    apiVersion: "2018-02-01",
    resourceParameter: "msi_res_id",
    silence: [
      "Azure: if the gateway does not run on a machine of Azure, set IdentityPlatform to where it " +
      'runs, or use an application with a secret or a certificate ("ProviderType": "azure")',
    ],
  },
  appservice: {
    name: "App Service identity endpoint",
    apiVersion: "2019-08-01",
    resourceParameter: "mi_res_id",
    silence: ["Azure: check that an identity is switched on (Settings > Identity)"],
  },
  arc: {
    name: "Azure Arc agent",
    apiVersion: "2020-06-01",
    resourceParameter: "msi_res_id",
    silence: ["Azure: check that the agent of Azure Arc runs here (azcmagent show)"],
  },
};

/**
 * Creates the source of a managed identity's tokens. The service may return one that it issued before.
 * `acquire` throws as `explainIdentityAnswer`, `answerArcChallenge` and `exchange`.
 */
export function managedIdentitySource(
  { kind, service, resource, identity }: ManagedIdentity,
  connection: ProviderConnection,
): TokenSource {
  const { platform, endpoint } = service;
  const { server, clock } = connection;
  const { name, apiVersion, resourceParameter, silence } = PLATFORMS[platform];
  const url = new URL(endpoint);
  url.searchParams.set("api-version", apiVersion);
  url.searchParams.set("resource", resource);
  if (identity !== undefined) {
    const parameter = identity.by === "resource" ? resourceParameter : `${identity.by}_id`;
    url.searchParams.set(parameter, identity.id);
  }

  function get(
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    return exchange(connection, name, { url: url.href, headers, signal });
  }

  async function request(
    signal: AbortSignal,
  ): Promise<{ readonly answer: ProviderAnswer; readonly secrets: readonly string[] }> {
    if (service.platform === "appservice") {
      const header = service.header.reveal();
      return { answer: await get({ "x-identity-header": header }, signal), secrets: [header] };
    }
    const answer = await get({ metadata: "true" }, signal);
    if (service.platform === "vm" || answer.status !== 401) return { answer, secrets: [] };
    const secret = await answerArcChallenge(answer.headers, service.secretsDirectory, server);
    const headers = { metadata: "true", authorization: `Basic ${secret}` };
    return { answer: await get(headers, signal), secrets: [secret] };
  }

  return {
    endpoint,
    fingerprint: fingerprint([kind, url.href]),
    acquire: (signal) =>
      withSilenceAdvice(
        silence,
        signal,
        withinTimeLimit(connection, name, signal, async (signal) => {
          const issuedAtMs = clock.now();
          const { answer, secrets } = await request(signal);
          const context = { platform, server, service: name, endpoint, issuedAtMs, secrets };
          return explainIdentityAnswer(answer, context);
        }),
      ),
  };
}
