/**
 * The Kubernetes overlays without a cluster: two gateways run like two pods with the configuration
 * that `kubectl kustomize` renders, its hosts and paths replaced. Redis is real, started with the
 * manifest's own arguments. A small service that speaks KV Connect replaces denokv, which is not
 * available.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse as parseJsonc } from "jsonc-parser";
import { parseAllDocuments } from "yaml";
import { hashPassword } from "../../src/credentials/inbound/password.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { KUBECTL, needing } from "../fixtures/installed_tool.ts";
import { startKvConnectServer } from "../fixtures/kv_connect_server.ts";
import { freePort, serveLoopback } from "../fixtures/listening.ts";
import { REDIS } from "../fixtures/redis_server.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

const OVERLAYS = fileURLToPath(new URL("../../deploy/kubernetes/overlays/", import.meta.url));
const PASSWORD = "a password of good length";

// deno-lint-ignore no-explicit-any -- tests/deploy/kubernetes_test.ts holds them to their schemas
type Manifest = any;

/** The cache of an overlay. */
interface Cache {
  /** Its `host:port`. */
  readonly host: string;
  end(): Promise<void>;
}

async function render(overlay: string): Promise<Manifest[]> {
  const { stdout } = await runProgram(KUBECTL.path, ["kustomize", `${OVERLAYS}${overlay}`]);
  return parseAllDocuments(stdout).map((document) => document.toJS());
}

function find(manifests: Manifest[], kind: string, name = "dicomweb-gateway"): Manifest {
  return manifests.find((one) => one.kind === kind && one.metadata.name.startsWith(name));
}

/** Redis as the manifest starts it, on this machine's loopback. */
async function startRedis(manifests: Manifest[], password: string): Promise<Cache> {
  const deployment = find(manifests, "Deployment", "dicomweb-gateway-redis");
  const [container] = deployment.spec.template.spec.containers;
  const directory = await Deno.makeTempDir();
  const port = freePort();
  const [, ...args]: string[] = container.args.map((argument: string) =>
    argument.replace("$(REDIS_PASSWORD)", password).replace("/data", directory)
  );
  const child = new Deno.Command(REDIS.path, {
    args: [...args, "--port", String(port), "--bind", "127.0.0.1"],
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    host: `127.0.0.1:${port}`,
    async end() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

function startKv(_manifests: Manifest[], accessToken: string): Promise<Cache> {
  const service = startKvConnectServer(accessToken);
  return Promise.resolve({ host: new URL(service.url).host, end: () => service.close() });
}

const CACHES = { redis: startRedis, denokv: startKv };

for (const [overlay, startCache] of Object.entries(CACHES)) {
  const test: Deno.TestDefinition = {
    name:
      `Kubernetes overlay ${overlay}: replicas share one token, are probed and scraped, and survive their cache`,
    async fn(t) {
      const manifests = await render(overlay);
      const provider = startTokenEndpoint({
        clientId: "dicomweb-gateway",
        clientSecret: "s",
        delayMs: 50,
      });
      await using store = serveLoopback((request) => {
        const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
        return new Response("[]", { status: provider.issued.includes(token) ? 200 : 401 });
      });
      const secret = crypto.randomUUID();
      const cache = await startCache(manifests, secret);
      await using authority = await CertificateAuthority.create();
      const { certificatePem, keyPem } = await authority.issue({
        commonName: "dicomweb-gateway",
        purpose: "server",
      });
      const mounts = await Deno.makeTempDir();
      const hash = await hashPassword(PASSWORD);
      const files = {
        "dicomweb-gateway/users": `orthanc:${hash}\nprometheus:${hash}\n`,
        "dicomweb-gateway/client-secret": "s\n",
        "dicomweb-gateway/redis-password": `${secret}\n`,
        "dicomweb-gateway/encryption-key": btoa("0123456789abcdef0123456789abcdef"),
        "tls/tls.crt": certificatePem,
        "tls/tls.key": keyPem,
      };
      for (const directory of ["dicomweb-gateway", "tls"]) {
        await Deno.mkdir(`${mounts}/${directory}`);
      }
      for (const [name, text] of Object.entries(files)) {
        await Deno.writeTextFile(`${mounts}/${name}`, text);
      }
      let text: string = find(manifests, "ConfigMap").data["gateway.json"];
      const [service] = manifests.filter(({ kind, metadata }) =>
        kind === "Service" && metadata.name.endsWith(overlay)
      );
      const places = {
        "https://store.example": store.url,
        "https://idp.example/oauth2/token": provider.url,
        "/run/secrets": mounts,
        [`${service.metadata.name}:${service.spec.ports[0].port}`]: cache.host,
      };
      for (const [place, here] of Object.entries(places)) {
        assert(text.includes(place), place);
        text = text.replaceAll(place, here);
      }
      const section = parseJsonc(text).DicomWebOAuth;
      const start = () =>
        startGateway(
          { ...section, Listen: { ...section.Listen, Address: "127.0.0.1", Port: 0 } },
          {
            caCertificatePem: authority.certificatePem,
            env: { DENO_KV_ACCESS_TOKEN: secret },
          },
        );
      await using one = await start();
      await using other = await start();
      using client = Deno.createHttpClient({ caCerts: [authority.certificatePem] });
      const ask = async ({ url }: GatewayProcess, path: string, user?: string) => {
        const headers = user ? { authorization: `Basic ${btoa(`${user}:${PASSWORD}`)}` } : {};
        const response = await fetch(`${url}${path}`, { client, headers });
        return { status: response.status, text: await response.text() };
      };
      const search = (gateway: GatewayProcess) =>
        ask(gateway, "/dicom-web/cloud/studies", "orthanc").then(({ status }) => status);
      const [container] = find(manifests, "Deployment").spec.template.spec.containers;
      const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe];
      const probe = async (gateway: GatewayProcess) => {
        for (const { httpGet } of probes) {
          assert.equal(`${httpGet.scheme.toLowerCase()}:`, new URL(gateway.url).protocol);
          assert.equal((await ask(gateway, httpGet.path)).status, 200);
        }
      };

      await t.step("both use one token", async () => {
        const statuses = await Promise.all([one, other, one, other].map(search));
        assert.deepEqual(statuses, [200, 200, 200, 200]);
        assert.equal(provider.requests.length, 1);
      });
      await t.step("its probes and its scrape are answered, and others are not", async () => {
        await probe(one);
        const [{ path }] = find(manifests, "ServiceMonitor").spec.endpoints;
        const scraped = await ask(other, path, "prometheus");
        assert.match(scraped.text, /^dicomweb_oauth_/m);
        assert.equal((await ask(other, path, "orthanc")).status, 403);
        assert.equal((await ask(other, path)).status, 401);
      });
      await t.step("the cache fails: probes and traffic continue", async () => {
        await cache.end();
        assert.equal((await ask(one, "/readyz")).status, 503);
        await probe(one);
        assert.equal(await search(one), 200);
        assert.equal(await search(other), 200);
      });
      await provider.close();
      await Deno.remove(mounts, { recursive: true });
    },
  };
  Deno.test(needing(KUBECTL, needing(OPENSSL, overlay === "redis" ? needing(REDIS, test) : test)));
}
