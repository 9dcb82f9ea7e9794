/**
 * Tokens of a managed identity of Azure, from the service of the platform the gateway runs on: the
 * instance metadata service of a machine, the identity endpoint of App Service and Container Apps,
 * or the agent of Azure Arc. None of them is told a secret that Azure did not put there itself.
 *
 * @module
 */
import type { IdentityService } from "../../config/schemes/azure/azure_platform.ts";
import type { ManagedIdentity } from "../../config/schemes/azure/managed_identity.ts";
import { answerArcChallenge } from "./arc_challenge.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import { explainIdentityAnswer } from "./managed_identity_answer.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";

type Platform = IdentityService["platform"];

/** What each platform is called, for messages. */
const NAMES: Readonly<Record<Platform, string>> = {
  vm: "Azure instance metadata service",
  appservice: "App Service identity endpoint",
  arc: "Azure Arc agent",
};

/** The versions that the vendor's documents show. */
const API_VERSIONS: Readonly<Record<Platform, string>> = {
  vm: "2018-02-01",
  appservice: "2019-08-01",
  arc: "2020-06-01",
};

/** The parameter that names a user-assigned identity, by platform. */
const IDENTITY_PARAMETERS = {
  vm: { client: "client_id", object: "object_id", resource: "msi_res_id" },
  appservice: { client: "client_id", object: "object_id", resource: "mi_res_id" },
  arc: { client: "client_id", object: "object_id", resource: "msi_res_id" },
} as const;

/** A managed identity. */
export class ManagedIdentitySource implements TokenSource {
  /** The service asked. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly #service: IdentityService;
  readonly #connection: ProviderConnection;
  readonly #url: string;

  constructor(credentials: ManagedIdentity, connection: ProviderConnection) {
    const { service, resource, identity } = credentials;
    this.#service = service;
    this.#connection = connection;
    this.endpoint = service.endpoint;
    const url = new URL(service.endpoint);
    url.searchParams.set("api-version", API_VERSIONS[service.platform]);
    url.searchParams.set("resource", resource);
    if (identity !== undefined) {
      url.searchParams.set(IDENTITY_PARAMETERS[service.platform][identity.by], identity.id);
    }
    this.#url = url.href;
    this.fingerprint = fingerprint([credentials.kind, this.#url]);
  }

  /**
   * Asks for a token, once. The service may answer with one that it gave out before.
   *
   * @throws {GatewayError} As `explainIdentityAnswer` and `exchange`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    const { platform } = this.#service;
    const service = NAMES[platform];
    const { clock, server } = this.#connection;
    return withinTimeLimit(this.#connection, service, signal, async (signal) => {
      const issuedAtMs = clock.now();
      const { answer, secrets } = await this.#ask(signal);
      const { endpoint } = this;
      return explainIdentityAnswer(answer, {
        platform,
        server,
        service,
        endpoint,
        issuedAtMs,
        secrets,
      });
    });
  }

  async #ask(
    signal: AbortSignal,
  ): Promise<{ readonly answer: ProviderAnswer; readonly secrets: readonly string[] }> {
    const service = this.#service;
    if (service.platform === "appservice") {
      const header = service.header.reveal();
      const answer = await this.#get({ "x-identity-header": header }, signal);
      return { answer, secrets: [header] };
    }
    const answer = await this.#get({ metadata: "true" }, signal);
    if (service.platform === "vm" || answer.status !== 401) return { answer, secrets: [] };
    const secret = await answerArcChallenge(answer.headers, service, this.#connection.server);
    const headers = { metadata: "true", authorization: `Basic ${secret}` };
    return { answer: await this.#get(headers, signal), secrets: [secret] };
  }

  #get(headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ProviderAnswer> {
    const name = NAMES[this.#service.platform];
    return exchange(this.#connection, name, { url: this.#url, headers, signal });
  }
}
