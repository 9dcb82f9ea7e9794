import assert from "node:assert/strict";
import type { PermissionConfig } from "../../../src/config/inbound/permissions.ts";
import type { Caller } from "../../../src/credentials/inbound/caller.ts";
import {
  atDistance,
  type Profile,
  profiles,
  withRules,
} from "../../../src/dicomweb/profile/profile.ts";
import { GatewayError } from "../../../src/errors/gateway_error.ts";
import { AccessRules } from "../../../src/gateway/steps/access_rules.ts";
import type { GatewayOptions } from "../../../src/gateway/app.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import type { ForwardRequest } from "../../../src/upstream/forward_request.ts";
import type { Store } from "../../../src/upstream/store.ts";
import { processorMs } from "../../fixtures/processor_time.ts";
import { gatewayApp, NOW_MS } from "../gateway_app.ts";

const PAGE = "http://gateway:8043/";
const OWN = {
  origin: "http://gateway:8043",
  "content-type": "application/x-www-form-urlencoded",
};

interface FakeStore {
  readonly name: string;
  readonly url?: string;
  readonly kind?: string;
  readonly profile?: Profile;
  readonly hasToken?: boolean;
  readonly expiresAtMs?: number;
  readonly forward?: (request: ForwardRequest) => Promise<Response>;
  readonly renew?: () => Promise<void>;
}

function gateway(stores: readonly FakeStore[], more: Partial<GatewayOptions> = {}) {
  const done: string[] = [];
  const store = (fake: FakeStore) => {
    const { name, url = "https://store.example", kind = "client_credentials" } = fake;
    return {
      name,
      url,
      profile: fake.profile ?? profiles.generic,
      authorizer: {
        describe: () => ({ kind, hasToken: fake.hasToken ?? false, expiresAtMs: fake.expiresAtMs }),
        renew: () => {
          done.push(`renew ${name}`);
          return fake.renew?.() ?? Promise.resolve();
        },
        forget: () => {
          done.push(`forget ${name}`);
          return Promise.resolve();
        },
      },
      forward: (request: ForwardRequest) => {
        done.push(`forward ${request.target}`);
        return fake.forward?.(request) ?? Promise.resolve(Response.json([]));
      },
    } as unknown as Store;
  };
  const app = gatewayApp({
    stores: new Map(stores.map((fake) => [fake.name, store(fake)])),
    ...more,
  });
  const ask = async (url: string, init?: RequestInit) => {
    const completed = Promise.resolve();
    const answer = await app.fetch(new Request(new URL(url, PAGE), init), { completed });
    return { answer, text: await answer.text() };
  };
  return {
    done,
    ask,
    async press(fields: Record<string, string>, headers: Record<string, string> = OWN) {
      const { text } = await ask("/");
      const seal = /name="seal" value="([^"]+)"/.exec(text)?.[1] ?? "";
      const body = new URLSearchParams({ seal, ...fields }).toString();
      return await ask("/", { method: "POST", headers, body });
    },
  };
}

/** The visible text. */
function seen(html: string): string {
  return html.replace(/<(style|script)>.*?<\/\1>/gs, "").replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");
}

const states: readonly [what: string, server: FakeStore, requests: number, says: RegExp[]][] = [
  ["no request yet", { name: "a" }, 0, [
    /Ready: no requests yet/,
    /– Not used yet/,
    /no cached token/,
  ]],
  ["an answer", { name: "a" }, 1, [/The server works/, /✓ Working answered 200/]],
  [
    "a rejection by the store",
    { name: "a", forward: () => Promise.resolve(new Response("", { status: 403 })) },
    1,
    [/1 of 1 server needs a look/, /! Refused/, /answered 403: .*roles.*troubleshooting\.md/],
  ],
  [
    "a token that is too long for the store",
    { name: "a", forward: () => Promise.resolve(new Response("", { status: 431 })) },
    1,
    [/1 of 1 server needs a look/, /! Refused/, /answered 431: .*limit for request headers/],
  ],
  [
    "a URL without a store",
    { name: "a", forward: () => Promise.resolve(new Response("", { status: 404 })) },
    1,
    [
      /1 of 1 server needs a look/,
      /\? Not found answered 404/,
      /answered 404: no such path.* Url followed by \/studies\. See: docs\/troubleshooting\.md/,
    ],
  ],
  [
    "an internal error of the store",
    { name: "a", forward: () => Promise.resolve(new Response("", { status: 503 })) },
    1,
    [/1 of 1 server fails/, /✕ Failing/, /answered 503: the store reports an internal error/],
  ],
  [
    "an error",
    {
      name: "a",
      forward: () => Promise.reject(new GatewayError("TOK-001", "Cannot fetch", { server: "a" })),
    },
    1,
    [/✕ Failing no answer/, /TOK-001 .*Cannot fetch\..*See: docs\/error-codes\.md ?, TOK-001/],
  ],
  [
    "a token",
    { name: "a", hasToken: true, expiresAtMs: NOW_MS + 252_000 },
    0,
    [/expires in 4 min 12 s/, /Revoke token/],
  ],
  ["a near store", { name: "a" }, 0, [/https:\/\/store\.example – Not used yet/]],
  [
    "a far store",
    {
      name: "a",
      profile: withRules(atDistance(profiles.orthanc, "far"), { storeConcurrency: 3 }),
    },
    0,
    [/far : rules.* StoreBatchBytes 16777216 StoreConcurrency 3 RetrieveInParallel true RetrieveConcurrency 16 Read/],
  ],
  ["an expired token", { name: "a", hasToken: true, expiresAtMs: NOW_MS - 1 }, 0, [/expired/]],
  ["a password", { name: "a", kind: "basic", hasToken: true }, 0, [/does not expire/]],
];

for (const [what, server, requests, says] of states) {
  Deno.test(`Status page: shows ${what}`, async () => {
    const { ask } = gateway([server]);
    for (let i = 0; i < requests; i++) await ask("/dicom-web/a/studies");
    const text = seen((await ask("/")).text);
    for (const each of says) assert.match(text, each);
  });
}

Deno.test("Status page: 404 for a study is no fault of the server", async () => {
  const { ask } = gateway([{
    name: "a",
    forward: () => Promise.resolve(new Response("", { status: 404 })),
  }]);
  await ask("/dicom-web/a/studies/1.2.3");
  assert.match(seen((await ask("/")).text), /The server works .*✓ Working answered 404/);
});

Deno.test("Status page: breakers make a server fail and recover", async () => {
  const metrics = createMetrics();
  const { ask } = gateway([{ name: "a" }], { metrics });
  await ask("/dicom-web/a/studies");
  metrics.storeCircuitBreakerState.set({ server: "a" }, 1);
  assert.match(seen((await ask("/")).text), /✕ Failing.*Token: closed Store: open/);
  metrics.storeCircuitBreakerState.set({ server: "a" }, 2);
  assert.match(seen((await ask("/")).text), /↻ Recovering.*Store: trying/);
});

Deno.test("Status page: external text is escaped", async () => {
  const evil = `<img src=x onerror="alert(1)">'"&`;
  const { ask } = gateway([{
    name: "a",
    url: `https://store.example/${evil}`,
    kind: evil,
    forward: () =>
      Promise.reject(new GatewayError("TOK-001", evil, { server: "a", troubleshooting: [evil] })),
  }]);
  await ask("/dicom-web/a/studies");
  const { text } = await ask(`/?q=${encodeURIComponent(evil)}&page=${encodeURIComponent(evil)}`);
  const shown = (await ask("/")).text;
  for (const html of [text, shown]) assert.doesNotMatch(html, /<img|onerror="/);
  assert.match(shown, /&lt;img src=x onerror=&quot;alert\(1\)&quot;&gt;/);
});

Deno.test("Status page: shows what a transfer does, without patient data", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { ask } = gateway([{ name: "a", forward: () => promise }]);
  const running = ask("/dicom-web/a/studies?PatientName=Doe");
  const { text } = await ask("/");
  assert.match(seen(text), /search studies GET waiting for the store 0 s/);
  assert.doesNotMatch(text, /Doe/);
  resolve(Response.json([]));
  await running;
  await Promise.resolve();
  assert.match(seen((await ask("/")).text), /Transfers in progress None\./);
});

Deno.test("Status page: its headers permit only its own style and script, no caching and no framing", async () => {
  const { answer, text } = await gateway([]).ask("/");
  const { headers } = answer;
  const policy = headers.get("content-security-policy") ?? "";
  for (const [tag, directive] of [["style", "style-src"], ["script", "script-src"]]) {
    const inline = new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(text)?.[1] ?? "";
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(inline));
    const named = `${directive} 'sha256-${new Uint8Array(hash).toBase64()}'`;
    assert(policy.includes(named), `${policy} has ${named}`);
  }
  assert.match(policy, /default-src 'none'.*base-uri 'none'; frame-ancestors 'none'/);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.match(headers.get("content-type") ?? "", /^text\/html; charset=utf-8$/i);
  assert.match(text, /^<!DOCTYPE html>\s*<html lang="en">/);
  assert.match(text, /<noscript><meta http-equiv="refresh" content="10; url=\.\/"/);
});

const permissions: readonly [
  rights: PermissionConfig["rights"],
  servers: string[],
  status: number,
][] = [
  [["manage"], ["*"], 200],
  [["manage"], ["a"], 403],
  [["query", "metrics"], ["*"], 403],
];

for (const [rights, servers, status] of permissions) {
  Deno.test(`Status page: ${rights} of ${servers} gets ${status}, and its buttons no more`, async () => {
    const caller: Caller = { subject: "user:ann", roles: [] };
    const { ask, press } = gateway([{ name: "a" }], {
      authenticator: { identify: () => caller },
      access: new AccessRules({
        permissions: [{ subjects: ["user:ann"], servers, rights }],
        servers: ["a"],
        readOnly: new Set(),
      }),
    });
    assert.equal((await ask("/")).answer.status, status);
    const pressed = await press({ server: "a", do: "test" });
    assert.equal(pressed.answer.status, status === 200 ? 303 : 403);
  });
}

Deno.test("Status page: a test fetches a token, queries the store and redirects to the page", async () => {
  const { press, ask, done } = gateway([{ name: "a" }]);
  const { answer } = await press({ server: "a", do: "test" });
  assert.equal(answer.status, 303);
  assert.deepEqual(done, ["renew a", "forward /studies?limit=1"]);
  const location = answer.headers.get("location") ?? "";
  assert.match(
    seen((await ask(location)).text),
    /Test of a: a credential was acquired and the store answered 200 in 0 ms/,
  );
  const forged = location.replace("outcome=200", "outcome=500");
  assert.doesNotMatch(seen((await ask(forged)).text), /Test of a/);
});

Deno.test("Status page: a failed test shows the error and its remedies", async () => {
  const error = new GatewayError("AUTH-001", "Cannot fetch a token", { server: "a" });
  const { press, ask } = gateway([{ name: "a", renew: () => Promise.reject(error) }]);
  const { answer } = await press({ server: "a", do: "test" });
  const text = seen((await ask(answer.headers.get("location") ?? "")).text);
  assert.match(text, /Test of a: AUTH-001, /);
  assert.match(text, /✕ Failing.*Cannot fetch a token\. .*docs\/error-codes\.md ?, AUTH-001/);
});

Deno.test("Status page: a token is revoked, but not twice in quick succession", async () => {
  const { press, ask, done } = gateway([{ name: "a", hasToken: true }]);
  const drop = async () => {
    const { answer } = await press({ server: "a", do: "drop" });
    return seen((await ask(answer.headers.get("location") ?? "")).text);
  };
  assert.match(await drop(), /The token of a is revoked/);
  assert.match(await drop(), /Revoking the token of a: TOK-007/);
  assert.deepEqual(done, ["forget a"]);
});

const foreign: readonly [what: string, headers: Record<string, string>][] = [
  ["no origin", { "content-type": OWN["content-type"] }],
  ["another origin", { ...OWN, origin: "https://evil.example" }],
  ["an opaque origin", { ...OWN, origin: "null" }],
  ["another site by its browser", { ...OWN, "sec-fetch-site": "cross-site" }],
  ["another type of body", { ...OWN, "content-type": "text/plain" }],
];

for (const [what, headers] of foreign) {
  Deno.test(`Status page: a form with ${what} is rejected, even if CORS allows every origin`, async () => {
    const { press, done } = gateway([{ name: "a" }], { cors: { allowedOrigins: ["*"] } });
    const { answer, text } = await press({ server: "a", do: "test" }, headers);
    assert.equal(answer.status, 403);
    assert.match(text, /AUTH-004/);
    assert.deepEqual(done, []);
  });
}

Deno.test("Status page: a form without its seal, or with that of another client, does nothing", async () => {
  let subject = "user:ann";
  const { ask, press, done } = gateway([{ name: "a" }], {
    authenticator: { identify: () => ({ subject, roles: [] }) },
  });
  const anns = /name="seal" value="([^"]+)"/.exec((await ask("/")).text)?.[1] ?? "";
  subject = "user:bob";
  for (const seal of ["", "x.y", anns, `${anns}x`]) {
    const { answer } = await press({ server: "a", do: "test", seal });
    assert.equal(answer.status, 303);
    const { text } = await ask(answer.headers.get("location") ?? "");
    assert.match(seen(text), /Nothing was done: the page was too old/);
  }
  assert.deepEqual(done, []);
});

Deno.test("Status page: a form that is too long is rejected, and one for an unknown server is 404", async () => {
  const { press } = gateway([{ name: "a" }]);
  assert.equal((await press({ server: "a".repeat(9000) })).answer.status, 403);
  assert.equal((await press({ server: "b" })).answer.status, 404);
});

Deno.test("Status page: stays short and fast with any number of servers", async () => {
  for (const count of [0, 1, 2, 100, 1000]) {
    const { ask } = gateway(
      Array.from({ length: count }, (_, i) => ({
        name: `server-${i}`,
        ...(i === count - 1 && {
          forward: () => Promise.reject(new GatewayError("NET-002", "Cannot reach it")),
        }),
      })),
    );
    if (count > 0) await ask(`/dicom-web/server-${count - 1}/studies`);
    await ask("/");
    let text = "";
    const tookMs = await processorMs(async () => ({ text } = await ask("/")));
    assert(tookMs < 1000, `${count} servers: ${tookMs} ms`);
    assert(text.length < 300_000, `${count} servers: ${text.length} characters`);
    const rows = [...text.matchAll(/class="name">server-(\d+)</g)].map(([, number]) => number);
    assert.equal(rows.length, Math.min(count, 50));
    // Failing servers are on the first page.
    if (count > 0) assert.equal(rows[0], String(count - 1));
    if (count === 1000) {
      assert.match(seen(text), /Page 1 of 20/);
      assert.match(seen((await ask("/?page=20")).text), /server-998/);
      const found = (await ask("/?q=SERVER-77")).text;
      assert.equal([...found.matchAll(/class="name">/g)].length, 11);
    }
  }
});
