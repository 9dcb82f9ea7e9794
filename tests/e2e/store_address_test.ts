/**
 * A real Orthanc that does not know its own address, behind a real nginx: clients follow its URLs
 * through the gateway, and `doctor` names the alias to add.
 */
import assert from "node:assert/strict";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import type { Report } from "../../src/tools/doctor/finding.ts";
import { dicomFile } from "../fixtures/dicom_file.ts";
import { runWithConfig } from "../fixtures/gateway_command.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { NGINX, startNginxWith } from "../fixtures/nginx.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { instances, STOW_TYPE, stowBody } from "../fixtures/stow_request.ts";

type Keys = Readonly<Record<string, unknown>>;

/** All URLs in answers of the store to a search, for metadata and to an upload. */
async function urlsThrough(gateway: string): Promise<string[]> {
  const base = `${gateway}/dicom-web/main`;
  const json = async (path: string, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    headers.set("accept", "application/dicom+json");
    return await (await fetch(base + path, { ...init, headers })).text();
  };
  const upload = {
    method: "POST",
    headers: { "content-type": STOW_TYPE },
    body: new Blob([...stowBody(instances(1))]),
  };
  const texts = [
    await json("/studies", upload),
    await json("/studies"),
    await json("/studies/1.2/metadata"),
  ];
  return texts.flatMap((text) => {
    const urls = text.match(/https?:\/\/[^"]+/g) ?? [];
    assert.notEqual(urls.length, 0, text);
    return urls;
  });
}

/** The step `urls` of `doctor`. */
async function doctorOnUrls(server: Keys) {
  const { code, stdout } = await runWithConfig({ Servers: { main: server } }, ["doctor", "--json"]);
  const report: Report = JSON.parse(stdout);
  const { outcome, message, advice } = report.servers[0]!.findings
    .find(({ step }) => step === "urls")!;
  return { code, outcome, message, advice: advice[0] };
}

/** URLs of the gateway, each of which returns its resource. */
async function assertThrough(gateway: string, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    assert.ok(url.startsWith(`${gateway}/dicom-web/main/studies/1.2`), url);
    const response = await fetch(url);
    await response.body?.cancel();
    assert.equal(response.status, 200, url);
  }
}

Deno.test(needing(
  ORTHANC,
  needing(NGINX, {
    name:
      "an Orthanc behind nginx that hides its address: clients follow its URLs through the gateway",
    async fn(t) {
      await using orthanc = await Orthanc.start();
      await orthanc.upload(dicomFile());
      const { host } = new URL(orthanc.url);
      const ways: [name: string, server: string, http: string, base: string][] = [
        [
          "that strips a prefix",
          `location /pacs/ { proxy_pass ${orthanc.url}/; proxy_set_header Host $http_host; }`,
          "",
          "NGINX/dicom-web",
        ],
        [
          "that replaces Host by the store's address",
          `location /pacs/ { proxy_pass ${orthanc.url}/; }`,
          "",
          `${orthanc.url}/dicom-web`,
        ],
        [
          "that replaces Host by the name of an upstream",
          "location /pacs/ { proxy_pass http://store_backend/; }",
          `upstream store_backend { server ${host}; }`,
          "http://store_backend/dicom-web",
        ],
        [
          "that loses the port",
          `location /pacs/ { proxy_pass ${orthanc.url}/; proxy_set_header Host $host; }`,
          "",
          "http://127.0.0.1/dicom-web",
        ],
      ];
      for (const [name, block, http, written] of ways) {
        await t.step(name, async () => {
          await using nginx = await startNginxWith(block, http);
          const base = written.replace("NGINX", nginx.url);
          const server = { Url: `${nginx.url}/pacs/dicom-web`, ProviderType: "none" };
          assert.deepEqual(await doctorOnUrls(server), {
            code: 0,
            outcome: "warn",
            message:
              `The store calls itself ${base}. The gateway recognizes its URLs by their paths, but ` +
              "only those of studies.",
            advice: `Add "${base}" to DicomWebOAuth.Servers.main.StoreAliases.`,
          });
          const aliased = {
            ...server,
            StoreAliases: [base],
            Rules: { RewriteInternalUrls: false },
          };
          const { outcome, message } = await doctorOnUrls(aliased);
          assert.equal(outcome, "ok", message);
          const off = { ...server, Rules: { RewriteInternalUrls: false } };
          await using gateway = await startGateway({
            Servers: { main: server, aliased, off },
          });
          await assertThrough(gateway.url, await urlsThrough(gateway.url));
          const [study] = await (await fetch(`${gateway.url}/dicom-web/aliased/studies`))
            .json() as DicomJson[];
          const [url] = study!["00081190"]!.Value as string[];
          assert.equal(url, `${gateway.url}/dicom-web/aliased/studies/1.2`);
          const bypassing = await (await fetch(`${gateway.url}/dicom-web/off/studies`)).text();
          assert.ok(bypassing.includes(`${base}/studies/1.2`), bypassing);
        });
      }
    },
  }),
));

Deno.test(needing(ORTHANC, {
  name:
    "an Orthanc whose Host option is a public name: doctor says that its URLs bypass the gateway",
  async fn() {
    const base = "https://pacs.example:8042/dicom-web";
    await using orthanc = await Orthanc.start({
      config: {
        DicomWeb: { Enable: true, Root: "/dicom-web/", Host: "pacs.example:8042", Ssl: true },
      },
    });
    await orthanc.upload(dicomFile());
    const server = { Url: orthanc.dicomWebUrl, ProviderType: "none" };
    assert.deepEqual(await doctorOnUrls(server), {
      code: 0,
      outcome: "warn",
      message:
        `The store's URLs start with ${base}, not with Url: clients that follow them bypass the gateway.`,
      advice:
        `If this is the same store, add "${base}" to DicomWebOAuth.Servers.main.StoreAliases.`,
    });
    const aliased = { ...server, StoreAliases: [`${base}/`] };
    assert.equal((await doctorOnUrls(aliased)).outcome, "ok");
    await using gateway = await startGateway({ Servers: { main: aliased, bare: server } });
    await assertThrough(gateway.url, await urlsThrough(gateway.url));
    const bare = await (await fetch(`${gateway.url}/dicom-web/bare/studies`)).text();
    assert.ok(bare.includes(`${base}/studies/1.2`), "it may be another archive");
  },
}));
