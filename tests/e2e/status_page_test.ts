/**
 * The status page in a browser: with and without JavaScript, light and dark, wide and narrow, by
 * keyboard alone, and checked by axe. It also makes the documentation's screenshots.
 */
import axe from "axe-core";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { hashPassword } from "../../src/credentials/inbound/password.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { CHROMIUM, needing } from "../fixtures/installed_tool.ts";
import { smallerPng } from "../fixtures/smaller_png.ts";
import { setStatusScene, setTroubledScene } from "./status_page_harness.ts";
import { serveLoopback } from "../fixtures/listening.ts";

const LIMIT_MS = 30_000;
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
/** `DICOMWEB_GATEWAY_SCREENSHOTS=1` makes those of the documentation, after some traffic. */
const FOR_DOCS = Deno.env.get("DICOMWEB_GATEWAY_SCREENSHOTS") === "1";
const IMAGES = fileURLToPath(
  new URL(FOR_DOCS ? "../../docs/images/" : "./artefacts/", import.meta.url),
);
const TRAFFIC_MS = 280_000;
const MAX_IMAGE_BYTES = 200_000;

const test: Deno.TestDefinition = {
  name: "Status page: it works in a browser, and contacts no other host",
  async fn(t) {
    await using scene = await setStatusScene(2);
    if (FOR_DOCS) await scene.makeTraffic(TRAFFIC_MS);
    const { url } = scene.gateway;
    const browser = await chromium.launch({
      executablePath: CHROMIUM.path,
      args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text"],
    });
    const requested: string[] = [];
    const complaints: string[] = [];
    const open = async (options: BrowserContextOptions, visit: (page: Page) => Promise<void>) =>
      await inContext(browser, options, async (context) => {
        context.setDefaultTimeout(LIMIT_MS);
        context.on("request", (request) => requested.push(request.url()));
        const page = await context.newPage();
        page.on("console", (message) => complaints.push(message.text()));
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.goto(`${url}/`);
        await visit(page);
      });

    try {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const viewport of [WIDE, NARROW]) {
          await t.step(`axe finds nothing: ${colorScheme}, ${viewport.width} px`, async () => {
            await open({ colorScheme, viewport }, async (page) => {
              assert(await axePasses(page) > 20);
              const width = await page.evaluate("document.documentElement.scrollWidth");
              assert.equal(width, viewport.width);
              const size = viewport === WIDE ? "" : "-narrow";
              await keep(page, `status-page-${colorScheme}${size}.png`);
            });
          });
        }
      }

      for (const viewport of [WIDE, NARROW]) {
        await t.step(`an error's link opens its documentation: ${viewport.width} px`, async () => {
          await open({ viewport }, async (page) => {
            await page.locator("#error-research-cloud a").click();
            await page.waitForURL(/error-codes\.md#auth-001-client-credentials-invalid$/);
            const heading = page.locator(":target");
            assert.match(await heading.innerText(), /^AUTH-001/);
            const { y } = (await heading.boundingBox())!;
            assert(y >= 0 && y < viewport.height);
            assert(await axePasses(page) > 10);
            assert.equal(
              await page.evaluate("document.documentElement.scrollWidth"),
              viewport.width,
            );
            if (!FOR_DOCS) {
              await page.screenshot({ path: `${IMAGES}document-${viewport.width}.png` });
            }
            await page.getByRole("link", { name: "Status of the gateway" }).click();
            await page.locator("#error-research-cloud").waitFor();
          });
        });
      }

      await t.step("the numbers are those of both workers", async () => {
        await open({}, async (page) => {
          const text = await page.locator("main").innerText();
          assert.match(text, /of 2 workers together/);
          // That store's bodies are counted.
          assert.match(
            text,
            /retrieve study GET\s+receiving the response\s+[\d min]+ s\s+[\d.]+ [kM]?B, [\d.]+ [kM]?B\/s/,
          );
          const row = page.getByRole("row", { name: /azure-archive/ }).first();
          // 30 searches and one transfer, over five minutes.
          if (!FOR_DOCS) assert.match(await row.innerText(), /6\.2\/min 1 now/);
        });
      });

      await t.step(
        "with JavaScript it updates itself, and the focus stays",
        async () => {
          await open({}, async (page) => {
            const expiry = page.locator("time[data-until]").first();
            const before = await expiry.innerText();
            await page.locator("#test-reporting").focus();
            const loadedAt = await page.locator("main").getAttribute("data-now");
            await page.locator("details").first().evaluate((each) => each.removeAttribute("open"));
            await page.waitForFunction(
              (then) =>
                // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
                (globalThis as any).document.getElementById("live").dataset.now !== then,
              loadedAt,
            );
            assert.notEqual(await expiry.innerText(), before);
            assert.equal(await focusedId(page), "test-reporting");
            assert.equal(await page.locator("details").first().getAttribute("open"), null);
          });
        },
      );

      await t.step("a rejected secret is reported after a press, by keyboard alone", async () => {
        await open({}, async (page) => {
          await tabTo(page, "test-research-cloud");
          const outline = await page.locator("#test-research-cloud").evaluate((button) =>
            // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
            (globalThis as any).getComputedStyle(button).outlineStyle
          );
          assert.equal(outline, "solid");
          await page.keyboard.press("Enter");
          await page.getByText("Test of research-cloud: AUTH-001").waitFor();
        });
      });

      await t.step(
        "without JavaScript a test and a revocation work, and the page reloads itself",
        async () => {
          await open({ javaScriptEnabled: false }, async (page) => {
            await page.locator("#test-reporting").click();
            await page.getByText(/Test of reporting: .* answered 200 in \d+ ms/).waitFor();
            await page.locator("#drop-reporting").click();
            await page.getByText("The token of reporting is revoked").waitFor();
            await page.waitForURL(`${url}/`, { timeout: LIMIT_MS });
            assert.equal(await page.getByText("The token of reporting is revoked").count(), 0);
          });
        },
      );

      await t.step(
        "behind a password the page updates itself, and its buttons work",
        async () => {
          await using guarded = await startGateway({
            Authentication: { Basic: { Users: { ann: await hashPassword("correct horse") } } },
            Servers: { main: { Url: "http://127.0.0.1:9/dicom-web", ProviderType: "none" } },
          });
          const httpCredentials = { username: "ann", password: "correct horse" };
          await inContext(browser, { httpCredentials }, async (context) => {
            const page = await context.newPage();
            await page.goto(`${guarded.url}/`);
            const loadedAt = await page.locator("main").getAttribute("data-now");
            await page.waitForFunction(
              (then) =>
                // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
                (globalThis as any).document.getElementById("live").dataset.now !== then,
              loadedAt,
            );
            await page.locator("#test-main").click();
            await page.getByText("Test of main: NET-002").waitFor();
          });
        },
      );

      await t.step("a page of another origin can press nothing", async () => {
        const evil = serveLoopback(() =>
          new Response(
            `<form method="post" action="${url}/"><input name="do" value="test">` +
              `<input name="server" value="azure-archive"><button>Win</button></form>` +
              `<iframe src="${url}/"></iframe>`,
            { headers: { "content-type": "text/html" } },
          )
        );
        await inContext(browser, {}, async (context) => {
          const page = await context.newPage();
          await page.goto(`${evil.url}/`);
          assert.match(await frameText(page), /^(?!.*servers? fail)/s);
          await page.getByText("Win").click();
          await page.getByText("AUTH-004").waitFor();
        });
        await evil.shutdown();
      });

      await t.step("contacted no other host, and the browser reported no error", () => {
        assert.deepEqual(new Set(requested.map((each) => new URL(each).origin)), new Set([url]));
        assert.deepEqual(complaints, []);
      });
    } finally {
      await browser.close();
    }
  },
};

Deno.test(needing(CHROMIUM, test));

Deno.test(needing(CHROMIUM, {
  name:
    "Status page: problems of the gateway and failed uploads are readable in a browser, and go away",
  async fn(t) {
    await using scene = await setTroubledScene();
    const { url } = scene.gateway;
    const browser = await chromium.launch({
      executablePath: CHROMIUM.path,
      args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text"],
    });
    try {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const viewport of [WIDE, NARROW]) {
          await t.step(`axe finds nothing: ${colorScheme}, ${viewport.width} px`, async () => {
            await inContext(browser, { colorScheme, viewport }, async (context) => {
              const page = await context.newPage();
              await page.goto(`${url}/`);
              assert(await axePasses(page) > 20);
              const width = await page.evaluate("document.documentElement.scrollWidth");
              assert.equal(width, viewport.width);
              const size = viewport === WIDE ? "" : "-narrow";
              await keep(page, `status-page-problems-${colorScheme}${size}.png`);
            });
          });
        }
      }
      await t.step(
        "they are listed with what to do, and a repaired one goes away by itself",
        async () => {
          await inContext(browser, {}, async (context) => {
            const page = await context.newPage();
            await page.goto(`${url}/`);
            assert.equal(
              await page.locator("#said").innerText(),
              "The gateway has 3 problems; 2 of 3 servers do not store uploads",
            );
            const text = await page.locator("section").innerText();
            assert.match(text, /audit trail[^]*127\.0\.0\.1:9[^]*token cache[^]*Not ready[^]*Urll/);
            assert.equal(text.match(/What to do:/g)?.length, 3);
            const upload = page.getByText("The last upload failed");
            assert.equal(await upload.count(), 2);
            await scene.reload();
            await page.locator("#fault-configuration").waitFor({ state: "detached" });
            assert.match(await page.locator("#said").innerText(), /^The gateway has 2 problems/);
          });
        },
      );
    } finally {
      await browser.close();
    }
  },
}));

/** Fails with what axe complains about. Returns how many of its rules the page passes. */
async function axePasses(page: Page): Promise<number> {
  await page.evaluate(axe.source);
  // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
  const { violations, passes } = await page.evaluate(() => (globalThis as any).axe.run());
  assert.deepEqual(
    violations.map(({ id, nodes }: axe.Result) => [id, nodes.map(({ html }) => html)]),
    [],
  );
  return passes.length;
}

async function inContext(
  browser: Browser,
  options: BrowserContextOptions,
  use: (context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: WIDE, ...options });
  try {
    await use(context);
  } finally {
    await context.close();
  }
}

async function keep(page: Page, name: string): Promise<void> {
  await Deno.mkdir(IMAGES, { recursive: true });
  const image = smallerPng(await page.screenshot({ fullPage: true }));
  await Deno.writeFile(IMAGES + name, image);
  assert(image.length < MAX_IMAGE_BYTES, `${name} has ${image.length} bytes`);
}

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, id: string): Promise<void> {
  for (let pressed = 0; pressed < 50; pressed++) {
    if (await focusedId(page) === id) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${id} is out of the keyboard's reach`);
}

async function focusedId(page: Page): Promise<unknown> {
  return await page.evaluate("document.activeElement?.id");
}

async function frameText(page: Page): Promise<string> {
  const frame = page.frames()[1];
  return await frame?.locator("body").innerText({ timeout: 2_000 }).catch(() => "") ?? "";
}
