/**
 * OHIF in a browser, without a login of its own, at a store that requires OAuth2 tokens: the study
 * list and a CT slice, all through the gateway. Screenshots are kept in `artefacts/`.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type Page, type Response } from "playwright-core";
import { makeSyntheticStudy } from "../../src/demo/synthetic_study.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { CHROMIUM, needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { OHIF, startOhif } from "../fixtures/ohif.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { startTokenCheckingOrigin } from "../fixtures/token_checking_origin.ts";

const ARTEFACTS = fileURLToPath(new URL("./artefacts/", import.meta.url));
const LIMIT_MS = 60_000;
/** The browser resolves no host but this machine, so that nothing here depends on another one. */
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

const test: Deno.TestDefinition = {
  name: "OHIF lists a study and shows a CT slice through the gateway, and contacts no other host",
  async fn(t) {
    const provider = await startOidcProvider();
    await using orthanc = await Orthanc.start();
    await using origin = startTokenCheckingOrigin({ ...provider, orthanc });
    let dicomWebUrl = "";
    await using ohif = startOhif(() => dicomWebUrl);
    await using gateway = await startGateway({
      Cors: { AllowedOrigins: [ohif.origin] },
      Servers: {
        main: {
          Url: origin.dicomWebUrl,
          Profile: "orthanc",
          ...provider.serverKeys,
        },
      },
    });
    dicomWebUrl = `${gateway.url}/dicom-web/main`;
    const { studyInstanceUid, instances } = makeSyntheticStudy();
    for (const { file } of instances) await orthanc.upload(file);

    const browser = await chromium.launch({ executablePath: CHROMIUM.path, args: CHROMIUM_FLAGS });
    try {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      context.setDefaultTimeout(LIMIT_MS);
      const { requested, responses } = record(context);
      const page = await context.newPage();

      await t.step("the study list", async () => {
        await page.goto(ohif.origin);
        const row = page.getByText("Demo, Synthetic");
        await row.waitFor();
        assert.equal(await row.count(), 1);
        await keep(page, "ohif_study_list.png");
      });

      await t.step("a CT slice", async () => {
        await page.goto(`${ohif.origin}/viewer?StudyInstanceUIDs=${studyInstanceUid}`);
        await page.getByText("Skip all").click();
        await page.waitForFunction(showsPhantom);
        await keep(page, "ohif_slice.png");
      });

      await t.step("requested everything from the gateway, successfully", () => {
        const answers = responses.filter((each) => each.url().startsWith(`${dicomWebUrl}/`));
        for (const path of [/\/studies\?/, /\/series\?/, /\/metadata$/, /\/frames\/1$/]) {
          assert.ok(answers.some((each) => path.test(each.url())), `asked for ${path}`);
        }
        const failed = answers.filter((each) => !each.ok());
        assert.deepEqual(failed.map((each) => [each.status(), each.url()]), []);
        assert.ok(origin.arrived.every(({ status }) => status === 200));
      });

      await t.step("contacted no other host", () => {
        const origins = new Set(requested.map((url) => new URL(url).origin));
        assert.deepEqual(origins, new Set([ohif.origin, gateway.url]));
      });
    } finally {
      await browser.close();
      await provider.close();
    }
  },
};

Deno.test([OHIF, CHROMIUM, ORTHANC].reduce((needy, tool) => needing(tool, needy), test));

/** Collects the requests of every page, frame and worker, and the responses. */
function record(context: BrowserContext): { requested: string[]; responses: Response[] } {
  const requested: string[] = [];
  const responses: Response[] = [];
  const add = (url: string) => {
    if (!/^(data|blob):/.test(url)) requested.push(url);
  };
  context.on("request", (request) => add(request.url()));
  context.on("response", (response) => responses.push(response));
  context.on("page", (page) => page.on("websocket", (socket) => add(socket.url())));
  return { requested, responses };
}

async function keep(page: Page, name: string): Promise<void> {
  await Deno.mkdir(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: ARTEFACTS + name });
}

/**
 * Runs in the page: whether the viewport shows the phantom, water (0 HU) at 40% of a window of 400
 * around 40, with air around it and bone in it. Pixels that are lost, shifted or of another byte
 * order, or a wrong rescale or window, show otherwise.
 */
function showsPhantom(): boolean {
  // deno-lint-ignore no-explicit-any -- the page's own types are not the test's
  const canvas = (globalThis as any).document.querySelector(".cornerstone-canvas");
  const { width = 0, height = 0 } = canvas ?? {};
  if (width === 0 || height === 0) return false;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let air = 0;
  let water = 0;
  let bone = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] < 5) air++;
    else if (Math.abs(data[at] - 102) < 4) water++;
    else if (data[at] > 250) bone++;
  }
  const pixels = width * height;
  return air > pixels * 0.7 && water > pixels * 0.15 && bone > pixels * 0.01 &&
    air + water + bone > pixels * 0.98;
}
