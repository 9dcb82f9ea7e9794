/**
 * A server of the configuration for every credential scheme, with marked secrets and with providers that
 * the test controls. A new scheme is one more row.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Parts } from "./leak_bench.ts";
import type { MarkedSecrets } from "./marked_secrets.ts";

export interface MarkedServer {
  readonly keys: Readonly<Record<string, unknown>>;
  /** Whether its requests reach the store without faults; false if its provider never issues a token. */
  readonly works: boolean;
}

/** The servers by name, and the environment variables that some of them use. */
export interface MarkedServers {
  readonly servers: ReadonlyMap<string, MarkedServer>;
  readonly env: Readonly<Record<string, string>>;
}

/** Characters that differ in every encoding; client secrets are ASCII (RFC 6749, appendix A). */
const SPECIAL = "/+& ~";

const TYPE = "urn:ietf:params:oauth:token-type:jwt";

export async function markedServers(parts: Parts): Promise<MarkedServers> {
  const { secrets, untrusted, closed, directory, authority } = parts;
  const [provider, store] = [parts.provider.url, parts.store.url];
  const file = async (name: string, content: string) => {
    await Deno.writeTextFile(`${directory}/${name}`, content);
    return `${directory}/${name}`;
  };
  const at = (name: string) => ({ TokenEndpoint: `${provider}/${name}`, ClientId: "gateway" });
  const secret = (name: string) => secrets.make(`secret of ${name}`, { special: SPECIAL });
  const client = await authority.issue({ commonName: "gateway" });
  addKey(secrets, "key of mutual TLS", createPrivateKey(client.keyPem).export({ format: "jwk" }));

  const rows: Record<string, Record<string, unknown>> = {
    post: { ...at("post"), ClientSecret: secret("post") },
    basic: {
      ...at("basic"),
      ClientSecret: secret("basic"),
      ClientAuthentication: "client_secret_basic",
    },
    secretJwt: {
      ...at("secretJwt"),
      ClientSecret: secret("secretJwt"),
      ClientAuthentication: "client_secret_jwt",
    },
    keyJwt: {
      ...at("keyJwt"),
      ClientAuthentication: "private_key_jwt",
      PrivateKey: pem(secrets, "key of keyJwt", ecKey()),
    },
    keyJwk: {
      ...at("keyJwk"),
      ClientAuthentication: "private_key_jwt",
      PrivateKey: jwk(secrets, "key of keyJwk", rsaKey()),
    },
    federatedToken: {
      ...at("federatedToken"),
      ClientAuthentication: "federated_token",
      FederatedTokenFile: await file("federated", secrets.make("federated token")),
    },
    dpop: { ...at("dpop"), ClientSecret: secret("dpop"), DPoP: true },
    smart: {
      ProviderType: "smart",
      SmartBaseUrl: `${provider}/fhir`,
      ClientId: "gateway",
      PrivateKey: pem(secrets, "key of smart", ecKey("P-384")),
      Scope: "system/ImagingStudy.rs",
    },
    managedIdentity: { ProviderType: "azuremanagedidentity", IdentityPlatform: "appservice" },
    googleKey: {
      ProviderType: "google",
      TokenEndpoint: `${provider}/googleKey`,
      ServiceAccountKey: {
        type: "service_account",
        client_email: "gateway@clinic.iam.gserviceaccount.com",
        private_key: pem(secrets, "key of googleKey", rsaKey()),
        token_uri: "https://oauth2.googleapis.com/token",
      },
    },
    googleUser: {
      ProviderType: "google",
      TokenEndpoint: `${provider}/googleUser`,
      CredentialsFile: await file(
        "user.json",
        JSON.stringify({
          type: "authorized_user",
          client_id: "gateway",
          client_secret: secret("googleUser"),
          refresh_token: secrets.make("refresh token"),
        }),
      ),
    },
    googleFederation: {
      ProviderType: "google",
      TokenEndpoint: `${provider}/googleFederation`,
      CredentialsFile: await file(
        "federation.json",
        JSON.stringify({
          type: "external_account",
          audience:
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c",
          subject_token_type: TYPE,
          token_url: "https://sts.googleapis.com/v1/token",
          credential_source: { file: await file("subject", secrets.make("subject token")) },
        }),
      ),
    },
    awsKeys: {
      ...aws(),
      AccessKeyId: "AKIAEXAMPLEEXAMPLE00",
      SecretAccessKey: secret("awsKeys"),
      SessionToken: secrets.make("session token of awsKeys"),
    },
    awsContainer: { ...aws(), CredentialSource: "container" },
    awsInstance: { ...aws(), InstanceMetadataEndpoint: `${provider}/awsInstance` },
    awsWebIdentity: {
      ...aws(),
      StsEndpoint: `${provider}/sts`,
      WebIdentityRoleArn: "arn:aws:iam::123456789012:role/Gateway",
      WebIdentityTokenFile: await file("web-identity", secrets.make("web identity token")),
    },
    awsRole: {
      ...aws(),
      StsEndpoint: `${provider}/sts`,
      AccessKeyId: "AKIAEXAMPLEEXAMPLE01",
      SecretAccessKey: secret("awsRole"),
      RoleArn: "arn:aws:iam::123456789012:role/Gateway",
      ExternalId: secrets.make("external ID"),
    },
    bearer: { ProviderType: "bearer", Token: secrets.make("bearer token") },
    tokenFile: {
      ProviderType: "bearer",
      TokenFile: await file("token", secrets.make("token of a file")),
    },
    basicPassword: {
      ProviderType: "basic",
      Username: "gateway",
      Password: secrets.make("password", { special: `${SPECIAL}ä` }),
    },
    headers: { ProviderType: "headers", Headers: { "X-Api-Key": secrets.make("API key") } },
  };
  const failing: Record<string, Record<string, unknown>> = {
    validated: {
      ...at("validated"),
      ClientSecret: secret("validated"),
      JWTAudience: "store",
      JWTPublicKey: generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
        .export({ type: "spki", format: "pem" }).toString(),
    },
    untrusted: { ...at(""), TokenEndpoint: untrusted, ClientSecret: secret("untrusted") },
    mutualTls: {
      ...at(""),
      TokenEndpoint: untrusted,
      ClientAuthentication: "tls_client_auth",
      ClientCertificate: {
        CertificateFile: await file("client.crt", client.certificatePem),
        KeyFile: await file("client.key", client.keyPem),
      },
    },
    closed: { ...at(""), TokenEndpoint: closed, ClientSecret: secret("closed") },
  };
  const common = {
    Url: store,
    ResilienceConfig: { RetryMaxAttempts: 1 },
    Timeouts: { TokenSeconds: 4 },
  };
  const server = (works: boolean) => ([name, keys]: [string, Record<string, unknown>]) =>
    [name, { keys: { ...common, ...keys }, works }] as const;
  return {
    servers: new Map([
      ...Object.entries(rows).map(server(true)),
      ...Object.entries(failing).map(server(false)),
    ]),
    env: {
      IDENTITY_ENDPOINT: `${provider}/appservice`,
      IDENTITY_HEADER: secrets.make("identity header"),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${provider}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: secrets.make("container authorization token"),
    },
  };
}

function aws(): Record<string, unknown> {
  return { ProviderType: "aws", Region: "eu-west-1" };
}

function ecKey(namedCurve = "P-256"): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).privateKey;
}

function rsaKey(): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

function pem(secrets: MarkedSecrets, name: string, key: KeyObject): string {
  addKey(secrets, name, key.export({ format: "jwk" }));
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

function jwk(secrets: MarkedSecrets, name: string, key: KeyObject): string {
  const jwk = key.export({ format: "jwk" });
  addKey(secrets, name, jwk);
  return JSON.stringify(jwk);
}

/** The secret parts of a key: those that its public half does not have. */
function addKey(secrets: MarkedSecrets, name: string, jwk: Record<string, unknown>): void {
  for (const member of ["d", "p", "q", "dp", "dq", "qi"]) {
    const value = jwk[member];
    if (typeof value !== "string") continue;
    secrets.add(name, Uint8Array.fromBase64(value, { alphabet: "base64url" }));
  }
}
