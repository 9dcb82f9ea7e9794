/**
 * Creates the authorizer of a server from its configuration.
 */
import type { AwsCredentials } from "../config/schemes/aws/aws.ts";
import type { ClientCredentials } from "../config/schemes/oauth2/token_request.ts";
import type { ServerConfig } from "../config/keys/server.ts";
import type { TokenUse } from "../config/schemes/token_validation.ts";
import type { HttpClient } from "../network/http_client.ts";
import type { AuditEvent } from "../telemetry/audit_event.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Authorizer } from "./authorizer.ts";
import { AwsClock } from "./aws/aws_clock.ts";
import { createKeysSource } from "./aws/create_keys_source.ts";
import { fixedKeys } from "./aws/keys_keeper.ts";
import { BearerAuthorizer } from "./bearer_authorizer.ts";
import { BodySpool } from "./aws/body_spool.ts";
import { clientCredentialsSource } from "./oauth2/client_credentials_source.ts";
import { type Clock, systemClock } from "../network/clock.ts";
import { createTokenValidator } from "./validation/create_token_validator.ts";
import { DpopAuthorizer } from "./oauth2/dpop_authorizer.ts";
import { reportScopes } from "./oauth2/granted_scopes.ts";
import { originHeaders } from "./oauth2/origin_headers.ts";
import { DpopKey } from "./oauth2/dpop_key.ts";
import { basicAuthorization, fixedHeadersAuthorizer } from "./fixed/fixed_headers_authorizer.ts";
import type { TokenStore } from "./cache/token_store.ts";
import { createGoogleSource } from "./google/create_google_source.ts";
import { managedIdentitySource } from "./azure/managed_identity_source.ts";
import { SigV4Authorizer } from "./aws/sig_v4_authorizer.ts";
import type { ProviderConnection } from "./provider_exchange.ts";
import type { TokenSource } from "./token.ts";
import { TokenFileAuthorizer } from "./fixed/token_file_authorizer.ts";
import { TokenManager } from "./tokens/token_manager.ts";
import { withHeaders } from "./with_headers.ts";
import { revealHeaders } from "../config/values/header_values.ts";
import { ValidatedTokenSource } from "./validation/validated_token_source.ts";

export interface AuthorizerCollaborators {
  /** The client for this server's identity provider. */
  readonly http: Pick<HttpClient, "send">;
  /** Shared by all servers; not closed with the authorizer. */
  readonly store: TokenStore;
  /** Absolute path; the gateway may write there. */
  readonly stateDirectory: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Receives security events. */
  readonly security: Logger;
  /** Receives events for the audit trail. */
  readonly onTokenEvent?: (event: AuditEvent) => void;
  /** Sent with token requests. */
  readonly userAgent?: string;
  readonly clock?: Clock;
  /** Receives why bodies cannot be buffered, and undefined when they can. */
  readonly onSpoolHealth?: (fault: string | undefined) => void;
}

/** Creates the authorizer of a server. It requests no token before the first request; the caller closes it. */
export function createAuthorizer(
  server: ServerConfig,
  collaborators: AuthorizerCollaborators,
): Authorizer {
  const { credentials, headers } = server;
  return withHeaders(createSchemeAuthorizer(server, collaborators), {
    ...revealHeaders(headers),
    ...(credentials.kind === "google" && credentials.quotaProject !== undefined &&
      { "x-goog-user-project": credentials.quotaProject }),
  });
}

function createSchemeAuthorizer(
  server: ServerConfig,
  collaborators: AuthorizerCollaborators,
): Authorizer {
  const clock = collaborators.clock ?? systemClock;
  const { credentials, name, timeouts } = server;
  const connection = {
    server: name,
    http: collaborators.http,
    timeoutMs: timeouts.tokenMs,
    clock,
    userAgent: collaborators.userAgent,
  };
  switch (credentials.kind) {
    case "none":
      return fixedHeadersAuthorizer(credentials.kind, {});
    case "client_credentials":
      return clientCredentials(credentials);
    case "static_token":
      return fixedHeadersAuthorizer(credentials.kind, {
        authorization: `Bearer ${credentials.token.reveal()}`,
      });
    case "token_file":
      return new TokenFileAuthorizer({
        file: credentials.file,
        server: name,
        logger: collaborators.logger,
        clock,
      });
    case "basic":
      return fixedHeadersAuthorizer(credentials.kind, {
        authorization: basicAuthorization(credentials.username, credentials.password.reveal()),
      });
    case "headers":
      return fixedHeadersAuthorizer(credentials.kind, revealHeaders(credentials.headers));
    case "azure_managed_identity":
      return bearer(credentials, managedIdentitySource(credentials, connection));
    case "google":
      return bearer(credentials, createGoogleSource(credentials, connection));
    case "aws":
      return sigV4(credentials);
  }

  function clientCredentials(configured: ClientCredentials): Authorizer {
    const { clientCertificate } = server.tls;
    const dpop = configured.dpop ? new DpopKey(clock) : undefined;
    const provider = { ...connection, originHeaders: originHeaders(configured) };
    const source = clientCredentialsSource(configured, {
      ...provider,
      certificatePem: clientCertificate?.toTokenEndpoint
        ? clientCertificate.certificatePem
        : undefined,
      dpop,
    });
    const reporting = reportScopes(source, {
      server: name,
      requested: configured.scope,
      logger: collaborators.logger,
      clock,
    });
    const authorizer = bearer(configured, reporting, provider);
    return dpop === undefined ? authorizer : new DpopAuthorizer(authorizer, dpop);
  }

  function bearer(
    { kind, refreshBufferMs, tokenValidation }: TokenUse & { readonly kind: string },
    source: TokenSource,
    provider: ProviderConnection = connection,
  ): BearerAuthorizer {
    const validated = tokenValidation === undefined ? source : new ValidatedTokenSource({
      server: name,
      source,
      validator: createTokenValidator(tokenValidation, provider),
      security: collaborators.security,
    });
    return new BearerAuthorizer(kind, manage(validated, refreshBufferMs));
  }

  function sigV4({ region, service, payloadSigning, ...aws }: AwsCredentials): Authorizer {
    const { stateDirectory, logger, onSpoolHealth } = collaborators;
    const awsClock = new AwsClock(clock);
    const keys = createKeysSource(aws, connection, awsClock);
    return new SigV4Authorizer({
      server: name,
      region,
      service,
      payloadSigning,
      keeper: "acquire" in keys ? manage(keys, aws.refreshBufferMs) : fixedKeys(keys),
      spool: new BodySpool({ directory: stateDirectory, server: name, onHealth: onSpoolHealth }),
      awsClock,
      logger,
    });
  }

  function manage(source: TokenSource, refreshBufferMs: number): TokenManager {
    return new TokenManager({
      ...collaborators,
      clock,
      server: name,
      source,
      refreshBufferMs,
      tokenTimeoutMs: timeouts.tokenMs,
      resilience: server.resilience,
    });
  }
}
