/**
 * A real viewer: OHIF in Chromium opens a study of one series, until it has the last frame.
 */
import { type BrowserContext, chromium } from "playwright-core";
import { CertificateAuthority } from "../../fixtures/certificate_authority.ts";
import type { FarLine } from "../../fixtures/far_line/far_line.ts";
import { startGateway } from "../../fixtures/gateway_process.ts";
import { CHROMIUM } from "../../fixtures/installed_tool.ts";
import { startOhif } from "../../fixtures/ohif.ts";
import type { Served } from "../processes.ts";
import { median, table } from "../table.ts";
import { type StudyPlan, studyUid } from "./study.ts";
import { DIRECT, DISTANCES, gatewaySection } from "./systems.ts";

/** The browser resolves no host but this machine. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];
const SERIES = { count: 120, size: "0.5 MB" } as const;
/** Of studies that no other part of the benchmark has. */
const FIRST_SEED = 2_000_000;
const LIMIT_MS = 300_000;

/** Seconds from the request for the series' metadata to an image. */
interface Opened {
  readonly first: number;
  readonly last: number;
}

/**
 * @param store Its studies are replaced.
 * @param line To the store.
 */
export async function runOhif(store: Served, line: FarLine, rounds: number): Promise<string> {
  await using stack = new AsyncDisposableStack();
  let dicomWebUrl = "";
  const ohif = stack.use(startOhif(() => dicomWebUrl));
  const origin = `http://127.0.0.1:${line.port}`;
  const bases = new Map([[DIRECT, `${origin}/dicom-web`]]);
  const authority = stack.use(await CertificateAuthority.create());
  const caCertificatePem = authority.certificatePem;
  const Tls = await certificate(authority, stack);
  for (const distance of DISTANCES) {
    const section = {
      ...gatewaySection(origin, distance),
      Cors: { AllowedOrigins: [ohif.origin] },
    };
    const plain = stack.use(await startGateway(section));
    bases.set(distance, `${plain.url}/dicom-web/main`);
    const secured = stack.use(
      await startGateway(
        { ...section, Listen: { Address: "127.0.0.1", Port: 0, Tls } },
        { caCertificatePem },
      ),
    );
    bases.set(`${distance}, HTTP/2`, `${secured.url}/dicom-web/main`);
  }
  const browser = await chromium.launch({ executablePath: CHROMIUM.path, args: FLAGS });
  const results = new Map([...bases.keys()].map((name) => [name, [] as Opened[]]));
  try {
    let seed = FIRST_SEED;
    for (let round = 0; round < rounds; round++) {
      for (const [name, base] of bases) {
        dicomWebUrl = base;
        const plan = { ...SERIES, seed: ++seed };
        await fill(store, plan);
        const context = await browser.newContext({
          viewport: { width: 1280, height: 800 },
          ignoreHTTPSErrors: true,
        });
        const url = `${ohif.origin}/viewer?StudyInstanceUIDs=${studyUid(plan)}`;
        results.get(name)!.push(await open(context, url));
        await context.close();
      }
    }
  } finally {
    await browser.close();
  }
  const row = (title: string, read: (opened: Opened) => number) => [
    title,
    ...[...results.values()].map((all) => `${median(all.map(read)).toFixed(2)} s`),
  ];
  return table(["", ...results.keys()], [
    row("first frame", ({ first }) => first),
    row("last frame", ({ last }) => last),
  ]);
}

/** Issues a certificate for the gateway, as `Listen.Tls` takes it. */
async function certificate(
  authority: CertificateAuthority,
  stack: AsyncDisposableStack,
): Promise<Record<string, string>> {
  const directory = await Deno.makeTempDir({ prefix: "dicomweb-gateway-tls-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const { certificatePem, keyPem } = await authority.issue({
    commonName: "gateway",
    purpose: "server",
  });
  const files = { CertificateFile: `${directory}/tls.crt`, KeyFile: `${directory}/tls.key` };
  await Deno.writeTextFile(files.CertificateFile, certificatePem);
  await Deno.writeTextFile(files.KeyFile, keyPem);
  return files;
}

async function fill({ port }: Served, plan: StudyPlan): Promise<void> {
  for (const [path, body] of [["clear", ""], ["fill", JSON.stringify(plan)]] as const) {
    await fetch(`http://127.0.0.1:${port}/bench/${path}`, { method: "POST", body });
  }
}

/** Opens a page of the viewer, and waits for the last frame. */
async function open(context: BrowserContext, url: string): Promise<Opened> {
  const frames = new Set<string>();
  const done = Promise.withResolvers<Opened>();
  let startedMs = 0;
  let firstMs = 0;
  context.on("request", (request) => {
    if (request.url().endsWith("/metadata")) startedMs ||= performance.now();
  });
  context.on("requestfinished", (request) => {
    if (!/\/frames\/1$/.test(request.url())) return;
    firstMs ||= performance.now();
    frames.add(request.url());
    if (frames.size < SERIES.count) return;
    done.resolve({
      first: (firstMs - startedMs) / 1000,
      last: (performance.now() - startedMs) / 1000,
    });
  });
  const limit = setTimeout(
    () => done.reject(new Error(`OHIF has ${frames.size} of ${SERIES.count} frames`)),
    LIMIT_MS,
  );
  const page = await context.newPage();
  await page.goto(url);
  try {
    return await done.promise;
  } finally {
    clearTimeout(limit);
  }
}
