import assert from "node:assert/strict";
import { catalogue, type ErrorCode } from "../../../src/errors/catalogue.ts";
import { AccessRules } from "../../../src/gateway/steps/access_rules.ts";
import { headingId, renderDocument } from "../../../src/gateway/pages/render_document.ts";
import { readDocument } from "../../../src/runtime/documents.ts";
import { gatewayApp } from "../gateway_app.ts";

const PREFIX = "/dicomweb-oauth/docs/";
const { ask } = gatewayApp({ stores: new Map(), document: readDocument });

/** Every address and anchor of a page. */
function partsOf(html: string): { readonly links: string[]; readonly ids: Set<string> } {
  const all = (pattern: RegExp) => [...html.matchAll(pattern)].map(([, value]) => value!);
  return { links: all(/ (?:href|src)="([^"]*)"/g), ids: new Set(all(/ id="([^"]*)"/g)) };
}

Deno.test("Documents: every link of the status page and of the documents behind it leads to an existing place", async () => {
  const pages = new Map<string, ReturnType<typeof partsOf>>();
  const broken: string[] = [];
  const visit = async (path: string): Promise<ReturnType<typeof partsOf>> => {
    const known = pages.get(path);
    if (known !== undefined) return known;
    const answer = await ask(path);
    const text = await answer.text();
    const isPage = answer.headers.get("content-type")?.startsWith("text/html") ?? false;
    const parts = partsOf(answer.status === 200 && isPage ? text : "");
    pages.set(path, parts);
    if (answer.status !== 200) broken.push(path);
    for (const link of parts.links) {
      const { origin, pathname, hash } = new URL(link, `http://gateway${path}`);
      if (origin !== "http://gateway" || !pathname.startsWith(PREFIX)) continue;
      const { ids } = await visit(pathname);
      if (hash !== "" && !ids.has(hash.slice(1))) broken.push(`${path}: ${link}`);
    }
    return parts;
  };
  await visit("/");
  assert.deepEqual(broken, []);
  const { ids } = await visit(`${PREFIX}error-codes.md`);
  for (const code of Object.keys(catalogue) as ErrorCode[]) {
    assert(ids.has(headingId(`${code} ${catalogue[code].title}`)), code);
  }
  for (const path of ["providers/azure.md", "examples/auth0.json", "security/threat-model.md"]) {
    assert(pages.has(`${PREFIX}${path}`), path);
  }
});

Deno.test("Documents: a page is HTML without scripts and leads back to the status page, below a path as well", async () => {
  const answer = await ask(`${PREFIX}providers/azure.md`);
  const text = await answer.text();
  assert.match(answer.headers.get("content-type")!, /^text\/html/);
  const policy = answer.headers.get("content-security-policy")!;
  assert.match(policy, /^default-src 'none'; style-src 'sha256-/);
  assert(!/script-src|unsafe/.test(policy), policy);
  assert(!text.includes("<script"));
  const { pathname } = new URL(
    partsOf(text).links.find((link) => /^(?:\.\.\/)+$/.test(link))!,
    `http://proxy/below${PREFIX}providers/azure.md`,
  );
  assert.equal(pathname, "/below/");
});

for (
  const [path, mediaType] of [
    ["examples/azure-secret.json", "application/json"],
    ["images/status-page-light.png", "image/png"],
  ] as const
) {
  Deno.test(`Documents: ${path} is served as ${mediaType}`, async () => {
    const answer = await ask(PREFIX + path);
    assert.equal(answer.headers.get("content-type"), mediaType);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    const bytes = await Deno.readFile(new URL(`../../../docs/${path}`, import.meta.url));
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), bytes);
  });
}

for (
  const path of [
    "no-such.md",
    "",
    "providers",
    "../README.md",
    "%2e%2e/README.md",
    "..%2fREADME.md",
    "/etc/passwd",
    "providers/../../README.md",
    "providers//azure.md",
    "file:///etc/passwd",
    "images/../../deno.json",
    "providers\\..\\..\\deno.json",
  ]
) {
  Deno.test(`Documents: nothing outside docs/ is read for ${JSON.stringify(path)}`, async () => {
    assert.equal(await readDocument(path), undefined);
    const answer = await ask(PREFIX + path);
    assert.equal(answer.status, 404);
    assert.equal((await answer.json()).error_code, "NET-006");
  });
}

Deno.test("Documents: a page requires the permission of the status page", async () => {
  const access = new AccessRules({
    permissions: [{ subjects: ["*"], servers: ["*"], rights: ["query", "metrics"] }],
    servers: ["a"],
    readOnly: new Set(),
  });
  const { ask } = gatewayApp({
    stores: new Map(),
    document: readDocument,
    authenticator: { identify: () => ({ subject: "user:ann", roles: [] }) },
    access,
  });
  assert.equal((await ask("/")).status, 403);
  assert.equal((await ask(`${PREFIX}troubleshooting.md`)).status, 403);
});

/** Markdown and the HTML that it becomes. */
const INERT: Readonly<Record<string, [markdown: string, html: RegExp]>> = {
  "a block of HTML": ["<script>alert(1)</script>", /^&lt;script>alert\(1\)&lt;\/script>$/],
  "HTML in a line": ["a <img src=x onerror=alert(1)> b", /^<p>a &lt;img src=x [^<]*b<\/p>$/],
  "a comment": ["<!-- made by a program -->", /^$/],
  "a script behind a comment": ["<!-- a --> <script>1</script>", /^(?!.*<script)/s],
  "a comment that a browser ends early": ["<!--> <script>1</script> -->", /^(?!.*<script)/s],
  "a script as address": ["[a](javascript:alert(1))", /^<p>a<\/p>$/],
  "a script as address, with an entity": ["[a](java&#115;cript:alert(1))", /^<p>a<\/p>$/],
  "data as address": ["[a](data:text/html,1)", /^<p>a<\/p>$/],
  "data as address of an automatic link": ["<data:text/html,1>", /^<p>data:text\/html,1<\/p>$/],
  "a quote in an address": ['[a](b.md"onclick="c)', /^<p>a<\/p>$/],
  "a quote in an address of the web": [
    '[a](https://b.example/"onclick="c)',
    /^<p><a href="https:\/\/b\.example\/(?:%22|&quot;)onclick=(?:%22|&quot;)c">a<\/a><\/p>$/,
  ],
  "a file outside docs/": ["[a](../src/app.ts)", /^<p>a<\/p>$/],
  "an image of the web": ["![a<b](https://b.example/c.png)", /^<p>a&lt;b<\/p>$/],
  "a title in a heading": ["# a <b>\n", /^<h1 id="a-b">a &lt;b><\/h1>$/],
  "code": ["`<b>`", /^<p><code>&lt;b&gt;<\/code><\/p>$/],
};

for (const [name, [markdown, expected]] of Object.entries(INERT)) {
  Deno.test(`Documents: no markup but Markdown's own comes from ${name}`, async () => {
    const { html } = await renderDocument("page.md", markdown);
    assert.match(html.trim(), expected);
  });
}
