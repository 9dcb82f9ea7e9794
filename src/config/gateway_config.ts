/**
 * The configuration as the rest of the gateway sees it: complete, checked, frozen, in
 * the gateway's own units. What the file looks like is `schema.ts`'s business.
 *
 * @module
 */
import type { Profile } from "../dicomweb/profile.ts";
import type { AwsCredentials } from "./aws_config.ts";
import type { ManagedIdentity } from "./azure_config.ts";
import type { ClientAuthentication } from "./client_authentication_config.ts";
import type { DiscoveryConfig } from "./discovery_config.ts";
import type { ProviderName } from "./identity_provider.ts";
import type { GoogleCredentials } from "./google_config.ts";
import type { AuthenticationConfig } from "./inbound/authentication_config.ts";
import type { PermissionConfig } from "./inbound/permissions.ts";
import type { Secret } from "./secret.ts";
import type { StoreResilienceConfig } from "./store_resilience.ts";
import type { BasicCredentials, FixedHeaders, StaticToken, TokenFile } from "./static_config.ts";
import type { TokenValidationConfig } from "./token_validation_config.ts";

/** The whole configuration. Times are in milliseconds. */
export interface GatewayConfig {
  /** Absolute path of the file that it was read from. */
  readonly path: string;
  /** Where the gateway listens. */
  readonly listen: ListenConfig;
  /** Absolute path of the directory the gateway may write to. */
  readonly stateDirectory: string;
  /** The URL clients reach the gateway at, without a trailing slash, where it differs from `listen`. */
  readonly publicUrl: string | undefined;
  /** Addresses and networks of proxies whose forwarding headers count. */
  readonly trustedProxies: readonly string[];
  /** How many workers share the port. */
  readonly workers: number;
  /** How long running transfers may take to finish at shutdown or reload. */
  readonly drainTimeoutMs: number;
  /** What is logged, and how. */
  readonly log: LogConfig;
  /** Where tokens are kept. */
  readonly tokenCache: TokenCacheConfig;
  /** The egress proxy, where there is one. */
  readonly proxy: ProxyConfig | undefined;
  /** The web pages that may use the gateway from a browser; `undefined`: none. */
  readonly cors?: CorsConfig | undefined;
  /** The stores, by name. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  /** Who may call; `undefined`: whoever reaches the port. */
  readonly authentication?: AuthenticationConfig | undefined;
  /** Who may do what; `undefined`: everyone everything. */
  readonly permissions?: readonly PermissionConfig[] | undefined;
  /** Names by which clients may call a gateway that is open to all, besides those it is known by. */
  readonly allowedHosts?: readonly string[];
  /** How many requests a client may send, where that is limited. */
  readonly rateLimit?: RateLimitConfig | undefined;
  /** The record of who did what, where it is kept. */
  readonly audit?: AuditConfig | undefined;
  /** Whether the runtime traces requests, and says so to stores by `traceparent`. */
  readonly tracing?: boolean;
  /** What is allowed but dangerous, in words, to be logged at every start. */
  readonly warnings?: readonly string[];
}

/** How many requests a client may send. */
export interface RateLimitConfig {
  readonly requests: number;
  readonly windowMs: number;
}

/** Where the gateway listens. */
export interface ListenConfig {
  readonly address: string;
  readonly port: number;
  /** PEM texts, where the listener speaks TLS. */
  readonly tls: { readonly certificatePem: string; readonly keyPem: Secret } | undefined;
}

/** What is logged, and how. */
export interface LogConfig {
  readonly level: "debug" | "info" | "warning" | "error";
  /** Other levels of categories, by their names. */
  readonly levels?: Readonly<Record<string, LogConfig["level"]>>;
  readonly format: "text" | "json";
}

/** The record of who did what. */
export interface AuditConfig {
  readonly target:
    | {
      readonly kind: "file";
      /** Absolute path of the file that is written. */
      readonly path: string;
      readonly maxBytes: number;
      /** How many finished files are kept; 0 for all. */
      readonly maxFiles: number;
    }
    | { readonly kind: "stdout" }
    | {
      readonly kind: "syslog";
      readonly host: string;
      readonly port: number;
      readonly caCertificatesPem: readonly string[];
    };
  /** How UIDs are recorded. */
  readonly uids: "plain" | "hashed" | "omitted";
  /** What the chain is sealed with. */
  readonly key: Secret | undefined;
  /** What becomes of requests while nothing can be recorded. */
  readonly onFailure: "refuse" | "warn";
}

/** Where tokens are kept. */
export type TokenCacheConfig =
  | { readonly backend: "memory" }
  | {
    readonly backend: "kv";
    /** `undefined`: a file in the state directory; otherwise the URL of a KV Connect service. */
    readonly url: string | undefined;
    /** AES-256 keys: the first encrypts, all decrypt. Never empty. */
    readonly encryptionKeys: readonly Secret[];
  }
  | {
    readonly backend: "redis";
    /** `redis://` or `rediss://` URL; it may hold a password. */
    readonly url: Secret;
    readonly encryptionKeys: readonly Secret[];
  };

/** The web pages that may use the gateway from a browser. */
export interface CorsConfig {
  /** Origins as browsers send them, or `*`. Never empty. */
  readonly allowedOrigins: readonly string[];
}

/** An HTTP proxy for outgoing requests. */
export interface ProxyConfig {
  readonly url: string;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

/** One DICOMweb store. */
export interface ServerConfig {
  readonly name: string;
  /** Base URL of the store's DICOMweb service, without a trailing slash. */
  readonly url: string;
  /** How requests are signed. */
  readonly credentials: CredentialsConfig;
  /** How the store and the identity provider are trusted. */
  readonly tls: TlsConfig;
  /** What kind of store it is, and what is put right between it and clients. */
  readonly profile: Profile;
  /** Refuse whatever may change something at the store. */
  readonly readOnly?: boolean;
  /** How many requests a client may send to it; `undefined`: the gateway's limit counts. */
  readonly rateLimit?: RateLimitConfig | "unlimited" | undefined;
  /** Speak HTTP/2 to the store. */
  readonly http2: boolean;
  /** Let the store compress its answers. */
  readonly compression: boolean;
  readonly timeouts: TimeoutsConfig;
  /** Trying again and giving up, at the token endpoint. */
  readonly resilience: ResilienceConfig;
  /** Trying again and giving up, at the store. */
  readonly storeResilience: StoreResilienceConfig;
}

/** How requests to a store are signed. */
export type CredentialsConfig =
  | NoCredentials
  | ClientCredentials
  | ManagedIdentity
  | AwsCredentials
  | GoogleCredentials
  | StaticToken
  | TokenFile
  | BasicCredentials
  | FixedHeaders;

/** Nothing is added to the requests. */
export interface NoCredentials {
  readonly kind: "none";
}

/** OAuth2 client credentials grant (RFC 6749, section 4.4). */
export interface ClientCredentials extends TokenRefreshConfig {
  readonly kind: "client_credentials";
  /** The provider, where it is known: its own remedies are told. */
  readonly provider?: ProviderName | undefined;
  /** URL of the token endpoint, or where it is learnt from. */
  readonly tokenEndpoint: string | DiscoveryConfig;
  readonly clientId: string;
  readonly clientAuthentication: ClientAuthentication;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  /** Further parameters of the token request. */
  readonly tokenParameters: Readonly<Record<string, string>>;
  /** Bind tokens to a key of this process (RFC 9449). */
  readonly dpop?: boolean | undefined;
}

/** When tokens are renewed. */
export interface TokenRefreshConfig {
  /** How long before its expiry a token is renewed. */
  readonly refreshBufferMs: number;
  /** How tokens are checked before they are used; `undefined`: they are not. */
  readonly tokenValidation?: TokenValidationConfig | undefined;
}

/** How the store and the identity provider are trusted. */
export interface TlsConfig {
  /** PEM certificates trusted besides those of the system. */
  readonly caCertificatesPem: readonly string[];
  /** The certificate that the gateway shows, where it has one (mutual TLS). */
  readonly clientCertificate?: ClientCertificate | undefined;
}

/** A certificate of the gateway, and to whom it is shown if they ask for one. */
export interface ClientCertificate {
  readonly certificatePem: string;
  readonly keyPem: Secret;
  readonly toTokenEndpoint: boolean;
  readonly toStore: boolean;
}

/** Limits of waiting, in milliseconds. */
export interface TimeoutsConfig {
  /** To the store, without a body: from the request to the answer's headers. */
  readonly headersMs: number;
  /** To the store, with a body: to the answer's headers; then for an answer's body that JavaScript reads. */
  readonly transferMs: number;
  /** Between two pieces of an answer's body; `undefined`: not watched. */
  readonly idleMs?: number | undefined;
  /** A token request, from start to end. */
  readonly tokenMs: number;
}

/** The plugin's `ResilienceConfig`. */
export interface ResilienceConfig {
  readonly circuitBreaker:
    | { readonly failureThreshold: number; readonly timeoutMs: number }
    | undefined;
  readonly retry: {
    readonly maxAttempts: number;
    readonly strategy: "fixed" | "linear" | "exponential";
    readonly initialDelayMs: number;
    readonly multiplier: number;
    readonly maxDelayMs: number;
    readonly incrementMs: number;
  };
}
