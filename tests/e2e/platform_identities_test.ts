/**
 * The gateway in its sandbox with the identities and credentials of Azure, Google and of files: the
 * worker's permissions suffice, renewed files are read again as Kubernetes renews them, and no log
 * line or response contains a secret, whatever fails.
 */
import assert from "node:assert/strict";
import { ACCOUNT, KEY_ID, PRIVATE_KEY, PUBLIC_KEY } from "../credentials/google/google_keys.ts";
import { startAppService, startImds } from "../fixtures/azure_identity_services.ts";
import { within } from "../fixtures/deadline.ts";
import { FEDERATED_AUDIENCE, startEntra } from "../fixtures/entra.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { startGoogleMetadata } from "../fixtures/google_metadata.ts";
import { startGoogleServices } from "../fixtures/google_services.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const LIMIT_MS = 60_000;
const CLIENT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k";

/** Marked, so that any leak is found. */
const MARKS = {
  identityHeader: "MARK-identity-header/+",
  bearerFile: "MARK-bearer-file-one",
  bearerFileRenewed: "MARK-bearer-file-two",
  bearer: "MARK-bearer/+~",
  password: "MARK password ä/+",
  apiKey: "MARK-api-key/+",
  subject: "MARK-subject-one",
  subjectRenewed: "MARK-subject-two",
  refreshToken: "MARK-refresh/+",
  clientSecret: "MARK-client-secret/+",
} as const;

interface Store {
  readonly url: string;
  /** The credentials of the last request. */
  readonly last: Headers;
  /** Rejects requests with this `Authorization`. */
  refused: string | undefined;
  close(): Promise<void>;
}

function startStore(): Store {
  const server = serveLoopback((request) => {
    last = request.headers;
    const authorization = request.headers.get("authorization");
    return authorization !== null && authorization === store.refused
      ? new Response(null, { status: 401 })
      : Response.json([]);
  });
  let last = new Headers();
  const store: Store = {
    url: `${server.url}/dicom-web`,
    get last() {
      return last;
    },
    refused: undefined,
    close: () => server.shutdown(),
  };
  return store;
}

/** Mounts a token like Kubernetes: a link to a link that is replaced. */
async function mount(directory: string, token: string): Promise<void> {
  const data = `${directory}/..${crypto.randomUUID()}`;
  await Deno.mkdir(data);
  await Deno.writeTextFile(`${data}/token`, token);
  await Deno.symlink(data, `${directory}/..data_tmp`);
  await Deno.rename(`${directory}/..data_tmp`, `${directory}/..data`);
  await Deno.symlink("..data/token", `${directory}/token`).catch(() => {});
}

async function search(gateway: GatewayProcess, server: string): Promise<Response> {
  return await fetch(`${gateway.url}/dicom-web/${server}/studies?limit=1`);
}

/** A token of Kubernetes; the fake does not verify its signature. */
function kubernetesToken(): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  const claims = {
    iss: "https://oidc.example/",
    sub: "system:serviceaccount:imaging:gateway",
    aud: FEDERATED_AUDIENCE,
    exp: Math.floor(Date.now() / 1000) + 3600,
  };
  return `${part({ alg: "RS256" })}.${part(claims)}.MARK-k8s-signature`;
}

Deno.test("Azure's, Google's and other credentials work in the sandbox, are renewed there, and never leak", () =>
  within(LIMIT_MS, "the identities of all platforms", tryIdentities()));

async function tryIdentities(): Promise<void> {
  const store = startStore();
  const imds = startImds();
  const appService = startAppService({ header: MARKS.identityHeader });
  const entra = startEntra({
    applications: {
      [CLIENT]: {
        federated: [{
          issuer: "https://oidc.example/",
          subject: "system:serviceaccount:imaging:gateway",
        }],
      },
    },
  });
  const metadata = startGoogleMetadata();
  const subjectTokens = new Set<string>([MARKS.subject]);
  const google = startGoogleServices({
    serviceAccounts: { [ACCOUNT]: { [KEY_ID]: PUBLIC_KEY } },
    users: {
      [MARKS.refreshToken]: { clientId: "gcloud", clientSecret: MARKS.clientSecret },
    },
    federation: { audience: AUDIENCE, subjectTokens },
  });
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-identities-" });
  const [bearerMount, subjectMount, azureMount] = ["bearer", "subject", "azure"].map((name) =>
    `${directory}/${name}`
  ) as [string, string, string];
  for (const each of [bearerMount, subjectMount, azureMount]) await Deno.mkdir(each);
  await mount(bearerMount, `${MARKS.bearerFile}\n`);
  await mount(subjectMount, JSON.stringify({ id_token: MARKS.subject }));
  await mount(azureMount, kubernetesToken());
  await Deno.writeTextFile(
    `${directory}/federation.json`,
    JSON.stringify({
      type: "external_account",
      audience: AUDIENCE,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: {
        file: `${subjectMount}/token`,
        format: { type: "json", subject_token_field_name: "id_token" },
      },
    }),
  );
  await Deno.writeTextFile(
    `${directory}/user.json`,
    JSON.stringify({
      type: "authorized_user",
      client_id: "gcloud",
      client_secret: MARKS.clientSecret,
      refresh_token: MARKS.refreshToken,
    }),
  );
  const Url = store.url;
  const managed = { Url, ProviderType: "azuremanagedidentity" };
  try {
    await using gateway = await startGateway({
      LogLevel: "DEBUG",
      Servers: {
        vm: { ...managed, IdentityPlatform: "vm" },
        app: { ...managed, IdentityPlatform: "appservice" },
        pod: {
          Url,
          ProviderType: "azure",
          ClientAuthentication: "federated_token",
          TokenEndpoint: entra.tokenEndpoint,
          ClientId: CLIENT,
          FederatedTokenFile: `${azureMount}/token`,
        },
        bearer: { Url, ProviderType: "bearer", Token: "${BEARER}" },
        file: { Url, ProviderType: "bearer", TokenFile: `${bearerMount}/token` },
        basic: { Url, ProviderType: "basic", Username: "u", Password: "${PASSWORD}" },
        headers: { Url, ProviderType: "headers", Headers: { "X-Api-Key": "${API_KEY}" } },
        account: {
          Url,
          ProviderType: "google",
          ServiceAccountKey: {
            type: "service_account",
            client_email: ACCOUNT,
            private_key: PRIVATE_KEY,
            private_key_id: KEY_ID,
          },
          TokenEndpoint: google.tokenEndpoint,
        },
        user: {
          Url,
          ProviderType: "google",
          CredentialsFile: `${directory}/user.json`,
          TokenEndpoint: google.tokenEndpoint,
        },
        metadata: { Url, ProviderType: "google", CredentialSource: "metadata" },
        federation: {
          Url,
          ProviderType: "google",
          CredentialsFile: `${directory}/federation.json`,
          TokenEndpoint: google.stsEndpoint,
        },
      },
    }, {
      env: {
        AZURE_POD_IDENTITY_AUTHORITY_HOST: imds.origin,
        IDENTITY_ENDPOINT: appService.url,
        IDENTITY_HEADER: MARKS.identityHeader,
        GCE_METADATA_HOST: new URL(metadata.origin).host,
        BEARER: MARKS.bearer,
        PASSWORD: MARKS.password,
        API_KEY: MARKS.apiKey,
      },
    });

    const sent: Record<string, string> = {};
    const googleTokens = () => [...google.issued.keys()];
    const expected: Record<string, () => string | undefined> = {
      vm: () => imds.issued.at(-1),
      app: () => appService.issued.at(-1),
      pod: () => entra.issued.at(-1),
      bearer: () => MARKS.bearer,
      file: () => MARKS.bearerFile,
      account: () => googleTokens().at(-1),
      user: () => googleTokens().at(-1),
      metadata: () => metadata.issued.at(-1),
      federation: () => googleTokens().at(-1),
    };
    for (const [server, token] of Object.entries(expected)) {
      const response = await search(gateway, server);
      assert.equal(response.status, 200, `${server}: ${await response.clone().text()}`);
      sent[server] = store.last.get("authorization") ?? "";
      assert.equal(sent[server], `Bearer ${token()}`, server);
      await response.body?.cancel();
    }
    await (await search(gateway, "basic")).body?.cancel();
    const basic = new TextEncoder().encode(`u:${MARKS.password}`);
    assert.equal(store.last.get("authorization"), `Basic ${basic.toBase64()}`);
    await (await search(gateway, "headers")).body?.cancel();
    assert.equal(store.last.get("x-api-key"), MARKS.apiKey);

    // Kubernetes renews the files: a rejected token leads to the new one at once.
    await mount(bearerMount, MARKS.bearerFileRenewed);
    await mount(subjectMount, JSON.stringify({ id_token: MARKS.subjectRenewed }));
    subjectTokens.clear();
    subjectTokens.add(MARKS.subjectRenewed);
    for (const server of ["file", "federation"]) {
      store.refused = sent[server];
      const response = await search(gateway, server);
      assert.equal(response.status, 200, `${server}: ${await response.clone().text()}`);
      assert.notEqual(store.last.get("authorization"), sent[server]);
      await response.body?.cancel();
    }
    store.refused = undefined;

    // Everything rejects, and echoes its input as far as possible.
    const echo = (text: string) =>
      Response.json({
        error: "invalid_request",
        error_description: `${text} ${btoa(unescape(encodeURIComponent(text)))}`,
        message: text,
      }, { status: 400 });
    imds.answer = ({ headers }) => echo([...headers.values()].join(" "));
    appService.answer = ({ headers }) => echo(headers.get("x-identity-header") ?? "");
    google.answer = ({ body }) => echo(body);
    metadata.answer = () => echo("metadata");
    await mount(bearerMount, "MARK-two words");
    await mount(azureMount, "MARK-no-jwt");
    await mount(subjectMount, "MARK-no-json");
    const answers: string[] = [];
    for (const server of [...Object.keys(expected), "basic", "headers"]) {
      const tested = await fetch(`${gateway.url}/dicomweb-oauth/servers/${server}/test`, {
        method: "POST",
      });
      answers.push(await tested.text());
      const dropped = await fetch(`${gateway.url}/dicomweb-oauth/servers/${server}/token`, {
        method: "DELETE",
      });
      answers.push(await dropped.text());
      const response = await search(gateway, server);
      answers.push(await response.text());
    }
    answers.push(await (await fetch(`${gateway.url}/dicomweb-oauth/servers`)).text());
    answers.push(await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text());
    await gateway.stop();
    const output = gateway.output() + answers.join("\n");
    assert.match(output, /App Service identity endpoint answered 400/);
    assert.match(output, /contains more than the token/);
    const secrets = [
      ...Object.values(MARKS),
      "MARK-two",
      "MARK-no-jwt",
      "MARK-no-json",
      "MARK-k8s-signature",
      "PRIVATE KEY",
      ...PRIVATE_KEY.split("\n").slice(1, 4),
      ...imds.issued,
      ...appService.issued,
      ...entra.issued,
      ...metadata.issued,
      ...googleTokens(),
    ];
    for (const secret of secrets) {
      const bytes = new TextEncoder().encode(secret);
      for (const form of [secret, bytes.toBase64(), encodeURIComponent(secret)]) {
        const at = output.indexOf(form);
        assert(at < 0, `leaked: ${output.slice(Math.max(at - 200, 0), at + 80)}`);
      }
    }
  } finally {
    await Promise.all(
      [store, imds, appService, entra, metadata, google].map((each) => each.close()),
    );
    await Deno.remove(directory, { recursive: true });
  }
}
