/** SIGHUP reloads the configuration without an effect on requests in progress. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { type GatewayProcess, startGateway } from "../fixtures/gateway_process.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { startSlowStore } from "../fixtures/slow_store.ts";

const LIMIT_MS = 20_000;

function origin(handler: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return { server, url: `http://127.0.0.1:${server.addr.port}` };
}

function servers(url: string, keys: Record<string, unknown> = {}) {
  return { Servers: { main: { Url: url, ProviderType: "none", ...keys } } };
}

/** Reloads, and waits until the gateway has logged the outcome `times` times. */
async function reload(gateway: GatewayProcess, says: RegExp, times = 1): Promise<void> {
  gateway.signal("SIGHUP");
  const all = new RegExp(says, "g");
  await within(
    LIMIT_MS,
    `the gateway says ${says}`,
    (async () => {
      while ((gateway.output().match(all)?.length ?? 0) < times) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })(),
  );
}

const DONE = /Reloaded the configuration/;
const REFUSED = /Reload failed; the previous configuration stays in use[^\n]*/;

Deno.test("serve: SIGHUP changes to another store, and a stream from the former one finishes", async () => {
  const former = startSlowStore();
  const later = origin(({ headers }) => new Response(headers.get("x-secret")));
  const directory = await Deno.makeTempDir();
  await using gateway = await startGateway(servers(former.url));
  const stream = await fetch(`${gateway.url}/dicom-web/main/studies/1.2.3`);

  await Deno.writeTextFile(`${directory}/secret`, "read again\n");
  const { ProviderType: _, ...rest } = servers(later.url).Servers.main;
  const named = {
    main: {
      ...rest,
      ProviderType: "headers",
      Headers: { "X-Secret": `\${file:${directory}/secret}` },
    },
  };
  await gateway.writeConfig({ Servers: named });
  await reload(gateway, DONE);
  const ask = async () => await (await fetch(`${gateway.url}/dicom-web/main/studies`)).text();
  assert.equal(await ask(), "read again");
  await Deno.writeTextFile(`${directory}/secret`, "and again\n");
  await reload(gateway, DONE, 2);
  assert.equal(await ask(), "and again");

  former.finish();
  assert.equal(await stream.text(), "first last");
  const metrics = await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  assert.match(metrics, /config_reloads_total\{outcome="success"\} 2\n/);
  assert.match(metrics, /config_reloads_total\{outcome="failure"\} 0\n/);
  assert.match(metrics, /config_last_reload_successful 1\n/);
  await Deno.remove(directory, { recursive: true });
  await former.close();
  await later.server.shutdown();
});

Deno.test("serve: a failed reload changes nothing, and the log gives the reason", async (t) => {
  const store = origin(() => new Response("served"));
  await using gateway = await startGateway(servers(store.url));
  const ask = async () => await (await fetch(`${gateway.url}/dicom-web/main/studies`)).text();
  const { port } = new URL(gateway.url);
  const cases: [what: string, section: Record<string, unknown>, why: RegExp][] = [
    ["a key that does not exist", { ...servers(store.url), Workesr: 2 }, /Workesr.*Workers/],
    ["a variable that is not set", servers("https://${NO_SUCH_VARIABLE}/"), /NO_SUCH_VARIABLE/],
    [
      "a file that is not there",
      servers(store.url, { VerifySSL: "/nonexistent/ca.pem" }),
      /nonexistent/,
    ],
    ["another port", { ...servers(store.url), Listen: { Port: Number(port) + 1 } }, /Listen.Port/],
    [
      "another address",
      { ...servers(store.url), Listen: { Address: "127.0.0.2", Port: 0 } },
      /Listen.Address/,
    ],
  ];
  let times = 0;
  const metricsText = async () =>
    await (await fetch(`${gateway.url}/dicomweb-oauth/metrics`)).text();
  const loadedAt = async () =>
    Number((await metricsText()).match(/config_loaded_timestamp_seconds (\d\S*)\n/)![1]);
  const first = await loadedAt();
  for (const [what, section, why] of cases) {
    await t.step(what, async () => {
      await gateway.writeConfig(section);
      await reload(gateway, REFUSED, ++times);
      assert.match(gateway.output().match(new RegExp(REFUSED, "g"))!.at(-1)!, why);
      assert.equal(await ask(), "served");
    });
  }
  assert.match(await metricsText(), /config_last_reload_successful 0\n/);
  assert.equal(await loadedAt(), first);
  await gateway.writeConfig(servers(store.url));
  await reload(gateway, DONE);
  assert.equal(await ask(), "served");
  const metrics = await metricsText();
  assert.match(metrics, /config_reloads_total\{outcome="failure"\} 5\n/);
  assert.match(metrics, /config_last_reload_successful 1\n/);
  assert(await loadedAt() > first);
  // An alert on an increase sees the first failure of a server only if there was a zero before.
  assert.match(metrics, /token_acquisitions_total\{server="main",status="failure"\} 0\n/);
  assert.match(metrics, /store_requests_rejected_total\{server="main"\} 0\n/);
  await store.server.shutdown();
});

// A connection that is closed while a request is on its way into it loses that request: HTTP/1.1 has no way
// around it (RFC 9112, section 9.5), and clients send such a request again.
Deno.test("serve: while the configuration is reloaded, clients lose at most an idle connection", async () => {
  const store = origin(() => new Response("served"));
  await using gateway = await startGateway({ ...servers(store.url), Workers: 2 });
  const failures: unknown[] = [];
  let served = 0;
  let isOver = false;
  const load = Array.from({ length: 2 }, async () => {
    while (!isOver) {
      const ask = async () => {
        const response = await fetch(`${gateway.url}/dicom-web/main/studies`);
        assert.deepEqual([response.status, await response.text()], [200, "served"]);
      };
      try {
        await ask().catch((error) => error instanceof TypeError ? ask() : Promise.reject(error));
        served++;
      } catch (error) {
        failures.push(error);
      }
    }
  });
  for (let times = 1; times <= 3; times++) await reload(gateway, DONE, times);
  isOver = true;
  await Promise.all(load);
  assert.deepEqual(failures, []);
  assert.ok(served > 100, `${served} requests`);
  await store.server.shutdown();
});

Deno.test(needing(OPENSSL, {
  name: "serve: SIGHUP loads a new certificate of the gateway",
  fn: async () => {
    const store = origin(() => new Response("served"));
    await using former = await CertificateAuthority.create();
    await using later = await CertificateAuthority.create();
    const directory = await Deno.makeTempDir();
    const Listen = {
      Address: "127.0.0.1",
      Port: 0,
      Tls: { CertificateFile: `${directory}/cert.pem`, KeyFile: `${directory}/key.pem` },
    };
    const install = async (authority: CertificateAuthority) => {
      const days = authority === former ? 2 : 40;
      const pair = await authority.issue({ commonName: "127.0.0.1", purpose: "server", days });
      await Deno.writeTextFile(Listen.Tls.CertificateFile, pair.certificatePem);
      await Deno.writeTextFile(Listen.Tls.KeyFile, pair.keyPem);
    };
    await install(former);
    await using gateway = await startGateway({ ...servers(store.url), Listen }, {
      caCertificatePem: former.certificatePem,
    });
    await install(later);
    await reload(gateway, DONE);
    const client = Deno.createHttpClient({ caCerts: [later.certificatePem] });
    const response = await fetch(`${gateway.url}/dicom-web/main/studies`, { client });
    assert.equal(await response.text(), "served");
    const metrics = await fetch(`${gateway.url}/dicomweb-oauth/metrics`, { client });
    const { validTo } = new X509Certificate(await Deno.readTextFile(Listen.Tls.CertificateFile));
    const expiry = Date.parse(validTo) / 1000;
    assert.ok(
      (await metrics.text()).includes(
        `certificate_expiry_timestamp_seconds{use="listener",server=""} ${expiry}\n`,
      ),
    );
    client.close();
    await Deno.remove(directory, { recursive: true });
    await store.server.shutdown();
  },
}));
