/**
 * A store's responses in a browser: they run no script at the gateway's origin and change nothing
 * there, and pages of other origins cannot run, show or frame them. Each step first shows that the
 * browser would do so with a response from elsewhere.
 */
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { CertificateAuthority } from "../fixtures/certificate_authority.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { CHROMIUM, needing } from "../fixtures/installed_tool.ts";

const LIMIT_MS = 30_000;
const PIXEL = Uint8Array.fromBase64("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==");
/** Requests what a script of the gateway's own origin could access. */
const SCRIPT = "fetch('/dicom-web/main/stolen');fetch('/stolen')";
const SVG = `<svg xmlns="http://www.w3.org/2000/svg"><script>${SCRIPT}</script></svg>`;

/** Type and content by path, of a store and of any web server. */
const CONTENT: Readonly<Record<string, readonly [type: string, body: string | typeof PIXEL]>> = {
  "/page": ["text/html", `<title>page</title><script>${SCRIPT}</script>`],
  "/drawing": ["image/svg+xml", SVG],
  "/xml": [
    "application/xml",
    `<x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>${SCRIPT}</h:script></x>`,
  ],
  "/script.js": ["text/javascript", "globalThis.ran = true"],
  "/style.css": ["text/css", "body { color: rgb(1, 2, 3) }"],
  "/pixel": ["image/gif", PIXEL],
  "/studies": ["application/dicom+json", "[]"],
};

const COOKIE = { "set-cookie": "session=1; Path=/" };
const SPEAKS_FOR_THE_ORIGIN = {
  ...COOKIE,
  "strict-transport-security": "max-age=31536000; includeSubDomains",
  "service-worker-allowed": "/",
  "access-control-allow-origin": "*",
};

/** A web server that records the requested paths. */
function startServer(
  headers: Readonly<Record<string, string>>,
  tls: { readonly cert?: string; readonly key?: string } = {},
) {
  const requested: string[] = [];
  const answer = (request: Request) => {
    const path = new URL(request.url).pathname.replace(/^\/dicom-web/, "");
    requested.push(path);
    const [type, body] = CONTENT[path] ?? ["text/html", "<title>empty</title><body></body>"];
    return new Response(body, { headers: { "content-type": type, ...headers } });
  };
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = tls.cert === undefined || tls.key === undefined
    ? Deno.serve(options, answer)
    : Deno.serve({ ...options, cert: tls.cert, key: tls.key }, answer);
  return {
    port: server.addr.port,
    /** The requests since the last call. */
    takeRequested: () => requested.splice(0).filter((path) => path !== "/favicon.ico"),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const test: Deno.TestDefinition = {
  name:
    "Chromium runs no script of a store's responses, keeps nothing of them, and embeds none elsewhere",
  async fn(t) {
    await using authority = await CertificateAuthority.create();
    const { certificatePem: cert, keyPem: key } = await authority.issue({
      commonName: "gateway",
      purpose: "server",
      names: "DNS:gateway.test,DNS:other.test,IP:127.0.0.1",
    });
    const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-browser-" });
    await Deno.writeTextFile(`${directory}/tls.crt`, cert);
    await Deno.writeTextFile(`${directory}/tls.key`, key);
    await using store = startServer(SPEAKS_FOR_THE_ORIGIN);
    /** Serves pages of other origins, and the same responses without the gateway. */
    await using web = startServer(COOKIE);
    await using secureWeb = startServer(SPEAKS_FOR_THE_ORIGIN, { cert, key });
    const Servers = {
      main: { Url: `http://127.0.0.1:${store.port}/dicom-web`, ProviderType: "none" },
    };
    const viewer = `http://viewer.localhost:${web.port}`;
    const foreign = `http://foreign.localhost:${web.port}`;
    await using gateway = await startGateway({ Servers, Cors: { AllowedOrigins: [viewer] } });
    await using secure = await startGateway({
      Servers,
      AllowedHosts: ["gateway.test"],
      Listen: {
        Address: "127.0.0.1",
        Port: 0,
        Tls: { CertificateFile: `${directory}/tls.crt`, KeyFile: `${directory}/tls.key` },
      },
    }, { caCertificatePem: authority.certificatePem });

    const browser = await chromium.launch({
      executablePath: CHROMIUM.path,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * 127.0.0.1",
        `--ignore-certificate-errors-spki-list=${keyHash(cert)}`,
      ],
    });
    const inPage = async (
      visit: (page: Page, context: BrowserContext) => Promise<void>,
      options: Parameters<typeof browser.newContext>[0] = {},
    ) => {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(LIMIT_MS);
      try {
        await visit(await context.newPage(), context);
      } finally {
        await context.close();
        store.takeRequested();
        web.takeRequested();
      }
    };
    const base = `${gateway.url}/dicom-web/main`;

    try {
      for (const path of ["/page", "/drawing", "/xml"]) {
        await t.step(`${path} runs no script at the gateway's origin`, async () => {
          await inPage(async (page) => {
            await page.goto(`http://127.0.0.1:${web.port}${path}`);
            await until(() => web.takeRequested().includes("/stolen"));
            const answer = await page.goto(base + path);
            assert.equal(answer?.status(), 200);
            // Requests of a response's content arrive before the next response is shown.
            await page.goto(`${base}/studies`);
            await page.waitForLoadState("networkidle");
            assert.deepEqual(store.takeRequested(), [path, "/studies"]);
          });
        });
      }

      await t.step("an image is shown nevertheless", async () => {
        await inPage(async (page) => {
          await page.goto(`${base}/pixel`);
          assert.equal(await page.evaluate("document.images[0].naturalWidth"), 1);
        });
      });

      for (const [url, count] of [[`http://127.0.0.1:${web.port}`, 1], [base, 0]] as const) {
        await t.step(`a store sets no cookie: ${count} by ${url}`, async () => {
          await inPage(async (page, context) => {
            await page.goto(`${url}/studies`);
            assert.equal((await context.cookies()).length, count);
          });
        });
      }

      await t.step("a store's script becomes no service worker", async () => {
        // Without the policy of the status page, which forbids it as well.
        await inPage(async (page) => {
          const register = (url: string) =>
            page.evaluate(
              // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
              (url) => (globalThis as any).navigator.serviceWorker.register(url).then(() => "done"),
              url,
            ).catch((error) => String(error));
          await page.goto(`http://127.0.0.1:${web.port}/`);
          assert.equal(await register("/script.js"), "done");
          await page.goto(`${gateway.url}/`);
          assert.match(await register("/dicom-web/main/script.js"), /403|SecurityError|bad HTTP/);
          assert.deepEqual(store.takeRequested(), []);
        }, { bypassCSP: true });
      });

      for (
        const [element, path] of [
          ["script", "/script.js"],
          ["img", "/pixel"],
          ["link", "/style.css"],
          ["iframe", "/page"],
          ["object", "/pixel"],
          ["embed", "/pixel"],
          ["video", "/pixel"],
        ] as const
      ) {
        await t.step(`a foreign page embeds nothing as <${element}>`, async () => {
          await inPage(async (page) => {
            await page.goto(foreign);
            await page.evaluate(embed, [element, `${viewer}${path}`] as const);
            await until(() => web.takeRequested().includes(path));
            const ended = Promise.race([
              page.waitForResponse(base + path).then((answer) => answer.status()),
              page.waitForEvent("requestfailed").then((request) => request.failure()?.errorText),
            ]);
            await page.evaluate(embed, [element, base + path] as const);
            // The second one because of the refusal's own policy, which the browser does not
            // report.
            assert.match(String(await ended), /^403$|BLOCKED_BY_RESPONSE/);
            assert.deepEqual(store.takeRequested(), []);
          });
        });
      }

      await t.step("a page of an origin in Cors can request, and show an image", async () => {
        await inPage(async (page) => {
          await page.goto(viewer);
          assert.equal(await page.evaluate(ask, `${base}/studies`), "[]");
          assert.equal(await page.evaluate(show, `${base}/pixel`), "shown");
          assert.deepEqual(store.takeRequested(), ["/studies", "/pixel"]);
        });
      });

      await t.step("a page of another origin can do neither", async () => {
        await inPage(async (page) => {
          await page.goto(foreign);
          assert.match(await page.evaluate(ask, `${base}/studies`), /Failed to fetch/);
          assert.equal(await page.evaluate(show, `${base}/pixel`), "failed");
        });
      });

      await t.step("other services of the same host stay without TLS", async () => {
        await inPage(async (_, context) => {
          const statusOf = async (url: string) => {
            const page = await context.newPage();
            const answer = await page.goto(url).catch(() => null);
            return answer?.status();
          };
          const plain = (host: string) => `http://${host}:${web.port}/`;
          assert.equal(await statusOf(plain("other.test")), 200);
          assert.equal(await statusOf(`https://other.test:${secureWeb.port}/studies`), 200);
          assert.equal(await statusOf(plain("other.test")), undefined, "a browser that keeps HSTS");
          const { port } = new URL(secure.url);
          assert.equal(
            await statusOf(`https://gateway.test:${port}/dicom-web/main/studies`),
            200,
          );
          assert.deepEqual(store.takeRequested(), ["/studies"]);
          assert.equal(await statusOf(plain("gateway.test")), 200);
        });
      });
    } finally {
      await browser.close();
      await Deno.remove(directory, { recursive: true });
    }
  },
};

Deno.test(needing(CHROMIUM, test));

/** Hash of a certificate's public key, which makes Chromium trust it without its authority. */
function keyHash(certificatePem: string): string {
  const key = new X509Certificate(certificatePem).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, "it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Runs in a page: embeds a URL. */
function embed([element, url]: readonly [string, string]): void {
  // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
  const { document } = globalThis as any;
  const made = document.createElement(element);
  if (element === "link") made.rel = "stylesheet";
  made[element === "link" ? "href" : element === "object" ? "data" : "src"] = url;
  document.body.append(made);
}

/** Runs in a page: requests a URL and reads the response. */
function ask(url: string): Promise<string> {
  return fetch(url).then((answer) => answer.text(), String);
}

/** Runs in a page: whether it can show an image. */
function show(url: string): Promise<string> {
  return new Promise((resolve) => {
    // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
    const image = new (globalThis as any).Image();
    image.onload = () => resolve("shown");
    image.onerror = () => resolve("failed");
    image.src = url;
  });
}
