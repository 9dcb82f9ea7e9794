import assert from "node:assert/strict";
import { Hono } from "hono";
import { Secret } from "../../src/config/values/secret.ts";
import { ApiKeys, makeApiKey } from "../../src/credentials/inbound/api_keys.ts";
import type { BearerTokens } from "../../src/credentials/inbound/bearer_tokens.ts";
import { VerifiedCredentials } from "../../src/credentials/inbound/verified_credentials.ts";
import { TokenFault } from "../../src/credentials/validation/token_fault.ts";
import { authenticate } from "../../src/gateway/steps/authenticate.ts";
import { Authenticator } from "../../src/gateway/steps/authenticator.ts";
import { ClientAddress } from "../../src/gateway/client_address.ts";
import { FailureThrottle } from "../../src/gateway/steps/failure_throttle.ts";
import type { GatewayError } from "../../src/errors/gateway_error.ts";
import { setDestination } from "../../src/gateway/destination.ts";
import type { GatewayEnv } from "../../src/gateway/gateway_env.ts";
import { refuseForeignHosts } from "../../src/gateway/steps/dns_rebinding.ts";
import { asGatewayError, problemResponse } from "../../src/gateway/problem.ts";
import { createQuotaMemory, QuotaTable } from "../../src/gateway/steps/quota_table.ts";

const viewer = makeApiKey();

/** A gateway with the user alice (password "right"), a viewer's key, and the tokens good, expired and forged. */
class Fixture {
  nowMs = Date.UTC(2026, 0, 1);
  checks: string[] = [];
  password = "right";
  readonly now = () => this.nowMs;
  readonly failures = createQuotaMemory(this.now);
  readonly #verify: BearerTokens["verify"] = (token) => {
    this.checks.push(token);
    if (token === "expired") throw new TokenFault("it has expired (exp)", "exp");
    if (token !== "good") throw new TokenFault("its signature does not match the issuer's key");
    const caller = { subject: "jwt:hospital:4711", roles: ["role:hospital:read"] };
    return Promise.resolve({ caller, untilMs: this.nowMs + 1000 });
  };
  readonly app = this.worker();

  worker(ways: { passwords?: boolean; keys?: boolean; tokens?: boolean } = {}): Hono<GatewayEnv> {
    const { passwords = true, keys = true, tokens = true } = ways;
    const authenticator = new Authenticator({
      passwords: !passwords ? undefined : {
        check: async (name, password) => {
          this.checks.push(`${name} ${password}`);
          await Promise.resolve();
          if (password === "broken") throw new Error("no memory");
          return name === "alice" && password === this.password;
        },
      },
      apiKeys: !keys ? undefined : {
        header: "x-api-key",
        keys: new ApiKeys(new Map([["viewer", new Secret(viewer.hash.slice(7))]])),
      },
      tokens: tokens ? { verify: this.#verify, compare: () => ({}) } : undefined,
      verified: new VerifiedCredentials(this.now),
      throttle: new FailureThrottle(new QuotaTable(this.failures, this.now)),
      now: this.now,
    });
    const app = new Hono<GatewayEnv>();
    app.use(setDestination());
    app.use(authenticate(authenticator, new ClientAddress(["10.0.0.1"])));
    app.all("*", (c) => c.json(c.get("caller") ?? { subject: "none" }));
    app.onError((error) => problemResponse(asGatewayError(error), "id"));
    return app;
  }

  async ask(
    headers: Record<string, string>,
    { app = this.app, from = "192.0.2.1", path = "/dicom-web/main/studies" } = {},
  ): Promise<
    { status: number; subject?: string; code?: string; headers: Headers; message?: string }
  > {
    const request = new Request(`http://gateway${path}`, { headers });
    const env = { completed: Promise.resolve(), remoteAddr: { hostname: from } };
    const response = await app.fetch(request, env);
    const { subject, error_code: code, message } = await response.json();
    return { status: response.status, headers: response.headers, subject, code, message };
  }
}

const basic = (credentials: string) => ({ authorization: `Basic ${btoa(credentials)}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Credentials → their subject. */
const RIGHT: [credentials: Record<string, string>, subject: string][] = [
  [basic("alice:right"), "user:alice"],
  [{ authorization: `basic ${btoa("alice:right")}` }, "user:alice"],
  [{ "X-API-Key": viewer.key }, "key:viewer"],
  [bearer("good"), "jwt:hospital:4711"],
];

for (const [credentials, subject] of RIGHT) {
  Deno.test(`authenticate: ${Object.keys(credentials)} authenticates ${subject}`, async () => {
    const { status, subject: found } = await new Fixture().ask(credentials);
    assert.deepEqual([status, found], [200, subject]);
  });
}

const WRONG: Record<string, string>[] = [
  {},
  basic("alice:wrong"),
  basic("bob:right"),
  basic("alice"),
  { authorization: "Basic ???" },
  { authorization: "Basic" },
  { authorization: "" },
  { authorization: "Digest username=alice" },
  { authorization: viewer.key },
  bearer("forged"),
  bearer("expired"),
  bearer(""),
  { "X-API-Key": "wrong" },
  { "X-API-Key": viewer.hash },
  // If there is a key, it decides.
  { "X-API-Key": "wrong", ...basic("alice:right") },
];

for (const headers of WRONG) {
  Deno.test(`authenticate: ${JSON.stringify(headers).slice(0, 60)} is answered 401 with a challenge of every scheme`, async () => {
    const { status, code, headers: answered, message } = await new Fixture().ask(headers);
    assert.deepEqual([status, code], [401, "AUTH-005"]);
    const challenge = answered.get("www-authenticate") ?? "";
    assert.match(challenge, /^Basic realm="[^"]+", charset="UTF-8", Bearer realm=/);
    assert.match(challenge, /ApiKey realm="[^"]+", header="x-api-key"$/);
    for (const secret of Object.values(headers).filter((value) => value.length > 8)) {
      assert(!message?.includes(secret));
    }
  });
}

Deno.test("authenticate: a wrong password and an unknown user get the same answer", async () => {
  const fixture = new Fixture();
  const [known, unknown] = [
    await fixture.ask(basic("alice:wrong")),
    await fixture.ask(basic("mallory:wrong")),
  ];
  assert.equal(known.message, unknown.message);
});

Deno.test("authenticate: schemes that are not configured are rejected", async () => {
  const fixture = new Fixture();
  for (const [credentials] of RIGHT) {
    const app = fixture.worker({ passwords: false, keys: false, tokens: false });
    assert.equal((await fixture.ask(credentials, { app })).status, 401);
  }
});

Deno.test("authenticate: health checks and public keys need no credentials, everything else does", async () => {
  const fixture = new Fixture();
  for (const path of ["/healthz", "/readyz", "/.well-known/jwks.json"]) {
    assert.equal((await fixture.ask({}, { path })).status, 200);
  }
  const closed = [
    "/",
    "/dicomweb-oauth/metrics",
    "/dicomweb-oauth/status",
    "/healthz/",
    "//healthz",
    "/healthz/../dicom-web/main/studies",
    "/dicom-web/main/%2e%2e/healthz",
    "/%68ealthz/x",
    "/anything",
  ];
  for (const path of closed) assert.equal((await fixture.ask({}, { path })).status, 401, path);
});

Deno.test("authenticate: a right password is checked once in five minutes, and once for concurrent requests", async () => {
  const fixture = new Fixture();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => fixture.ask(basic("alice:right"))),
  );
  assert(answers.every(({ status }) => status === 200));
  fixture.nowMs += 299_000;
  await fixture.ask(basic("alice:right"));
  assert.equal(fixture.checks.length, 1);
  fixture.nowMs += 1000;
  await fixture.ask(basic("alice:right"));
  assert.equal(fixture.checks.length, 2);
});

Deno.test("authenticate: a token is verified again after it expires", async () => {
  const fixture = new Fixture();
  await fixture.ask(bearer("good"));
  await fixture.ask(bearer("good"));
  fixture.nowMs += 1000;
  await fixture.ask(bearer("good"));
  assert.equal(fixture.checks.length, 2);
});

Deno.test("throttle: after ten failures of a user no password is checked, from any address, in any worker", async () => {
  const fixture = new Fixture();
  const other = fixture.worker();
  for (let i = 0; i < 10; i++) {
    const app = i % 2 === 0 ? fixture.app : other;
    const { status } = await fixture.ask(basic(`alice:${i}`), { app, from: `192.0.2.${i}` });
    assert.equal(status, 401);
  }
  for (const app of [fixture.app, other]) {
    const { status, code, headers } = await fixture.ask(basic("alice:right"), {
      app,
      from: "192.0.2.99",
    });
    assert.deepEqual([status, code], [429, "AUTH-006"]);
    assert.equal(headers.get("retry-after"), "6");
  }
  assert.equal(fixture.checks.length, 10);
  fixture.nowMs += 6000;
  assert.equal((await fixture.ask(basic("alice:right"), { from: "192.0.2.99" })).status, 200);
});

Deno.test("throttle: the 31st failure of an address is answered 429, with any kind of credential", async () => {
  const fixture = new Fixture();
  const wrong = (i: number) => [
    basic(`u${i}:x`),
    bearer(`forged ${i}`),
    { "X-API-Key": `wrong ${i}` },
  ];
  for (let i = 0; i < 30; i++) assert.equal((await fixture.ask(wrong(i)[i % 3]!)).status, 401);
  for (const credentials of wrong(30)) {
    const { status, code, headers } = await fixture.ask(credentials);
    assert.deepEqual([status, code, headers.get("retry-after")], [429, "AUTH-006", "6"]);
  }
  // A password that was never right could be the next guess: it is not checked.
  const checked = fixture.checks.length;
  assert.equal((await fixture.ask(basic("alice:right"))).status, 429);
  assert.equal(fixture.checks.length, checked);
  // Other addresses are not affected.
  assert.equal((await fixture.ask(basic("alice:right"), { from: "192.0.2.2" })).status, 200);
});

Deno.test("throttle: concurrent attempts are all counted before the first is answered", async () => {
  const fixture = new Fixture();
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) => fixture.ask(basic(`alice:${i}`))),
  );
  assert.equal(answers.filter(({ status }) => status === 401).length, 10);
  assert.equal(fixture.checks.length, 10);
});

/** More failed attempts in alice's name and from her address than the limits allow. */
async function attack(fixture: Fixture, round = 0): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await fixture.ask(basic(`alice:${round} ${i}`), { from: `198.51.100.${i}` });
    await fixture.ask(basic(`u${i}:${round}`));
    await fixture.ask(bearer(`forged ${round} ${i}`));
    await fixture.ask({ "X-API-Key": `wrong ${round} ${i}` });
  }
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

Deno.test("throttle: failed attempts cannot lock out a working client, in any worker, from any address", async () => {
  const fixture = new Fixture();
  assert.equal((await fixture.ask(basic("alice:right"))).status, 200);
  for (let minute = 0; minute < 120; minute += 4) {
    await attack(fixture, minute);
    for (const app of [fixture.app, fixture.worker()]) {
      for (const from of ["192.0.2.1", "198.51.100.1", "203.0.113.7"]) {
        const { status } = await fixture.ask(basic("alice:right"), { app, from });
        assert.equal(status, 200, `minute ${minute}, from ${from}`);
      }
    }
    fixture.nowMs += 4 * MINUTE_MS;
  }
});

Deno.test("throttle: a right password is remembered for a day after its last check", async () => {
  const fixture = new Fixture();
  const ask = () => fixture.ask(basic("alice:right"), { app: fixture.worker() });
  for (let day = 0; day < 3; day++) {
    assert.equal((await ask()).status, 200);
    fixture.nowMs += DAY_MS - MINUTE_MS;
  }
  await attack(fixture);
  assert.equal((await ask()).status, 200);
  fixture.nowMs += DAY_MS + MINUTE_MS;
  await attack(fixture);
  assert.equal((await ask()).status, 429);
});

Deno.test("throttle: a remembered password does not make others guessable", async () => {
  const fixture = new Fixture();
  await fixture.ask(basic("alice:right"));
  let checked = 0;
  for (let i = 0; i < 100; i++) {
    const { status } = await fixture.ask(basic(`alice:guess ${i}`));
    if (status === 401) checked++;
  }
  assert.equal(checked, 10);
  // Another user with the same password, or one whose name and password join to the same text.
  for (const credentials of ["bob:right", "alic:e:right", "alice:right "]) {
    for (let i = 0; i < 40; i++) await fixture.ask(basic(`u${i}:x`));
    assert.equal((await fixture.ask(basic(credentials))).status, 429, credentials);
  }
});

Deno.test("throttle: a remembered password that is no longer right counts as wrong", async () => {
  const fixture = new Fixture();
  await fixture.ask(basic("alice:right"));
  fixture.password = "another";
  let refused = 0;
  for (let i = 0; i < 10; i++) {
    const { status } = await fixture.ask(basic("alice:right"), { app: fixture.worker() });
    if (status === 401) refused++;
  }
  assert.equal(refused, 10);
  assert.equal((await fixture.ask(basic("alice:new"))).status, 429);
});

Deno.test("throttle: valid keys and tokens pass from an address that sent forged ones", async () => {
  const fixture = new Fixture();
  await attack(fixture);
  assert.equal((await fixture.ask({ "X-API-Key": viewer.key })).status, 200);
  assert.equal((await fixture.ask(bearer("good"))).status, 200);
  assert.equal((await fixture.ask(bearer("expired"))).status, 401);
  assert.equal((await fixture.ask(bearer("forged"))).status, 429);
});

Deno.test("throttle: valid credentials, expired tokens and errors of the gateway do not count", async () => {
  const fixture = new Fixture();
  for (let i = 0; i < 100; i++) {
    await fixture.ask(basic("alice:right"));
    fixture.nowMs += 1;
    await fixture.ask(bearer("expired"));
    await fixture.ask(basic("alice:broken"));
    await fixture.ask({});
  }
  assert.equal((await fixture.ask(basic("alice:wrong"))).status, 401);
  assert.equal((await fixture.ask(bearer("good"))).status, 200);
});

Deno.test("throttle: X-Forwarded-For counts only from trusted proxies", async () => {
  const fixture = new Fixture();
  for (let i = 0; i < 31; i++) {
    const forged = { ...basic(`u${i}:x`), "x-forwarded-for": `198.51.100.${i}` };
    await fixture.ask(forged);
  }
  assert.equal((await fixture.ask(basic("alice:right"))).status, 429);
  const behind = (client: string, credentials: string) =>
    fixture.ask({ ...basic(credentials), "x-forwarded-for": client }, { from: "10.0.0.1" });
  for (let i = 0; i < 31; i++) await behind("198.51.100.1", `v${i}:x`);
  assert.equal((await behind("198.51.100.1", "alice:right")).status, 429);
  assert.equal((await behind("198.51.100.2", "alice:right")).status, 200);
});

Deno.test("throttle: an IPv6 client cannot evade it with other addresses of its network", async () => {
  const fixture = new Fixture();
  for (let i = 0; i < 30; i++) {
    await fixture.ask(basic(`u${i}:x`), { from: `2001:db8::${i.toString(16)}` });
  }
  assert.equal((await fixture.ask(basic("alice:right"), { from: "2001:db8::ffff" })).status, 429);
  assert.equal((await fixture.ask(basic("alice:right"), { from: "2001:db8:0:1::1" })).status, 200);
});

/** Host → whether a gateway without authentication, known as pacs.example, accepts it. */
const HOSTS: [host: string, answers: boolean][] = [
  ["localhost:8043", true],
  ["LOCALHOST", true],
  ["127.0.0.1:8043", true],
  ["[::1]:8043", true],
  ["10.1.2.3", true],
  ["pacs.example", true],
  ["Pacs.Example.:8443", true],
  ["evil.example", false],
  ["evil.example:8043", false],
  ["localhost.evil.example", false],
  ["127.0.0.1.evil.example", false],
  ["pacs.example.evil.example", false],
  ["evilpacs.example", false],
  ["gateway", false],
];

for (const [host, answers] of HOSTS) {
  Deno.test(`DNS rebinding: a gateway without authentication ${answers ? "accepts" : "rejects"} requests for ${host}`, async () => {
    const app = new Hono<GatewayEnv>();
    app.use(refuseForeignHosts(new Set(["localhost", "pacs.example"])));
    app.all("*", (c) => c.text("stored"));
    app.onError((error) => problemResponse(asGatewayError(error), "id"));
    for (let again = 0; again < 2; again++) {
      const response = await app.fetch(new Request(`http://${host}/dicom-web/main/studies`));
      assert.equal(response.status, answers ? 200 : 421);
      if (!answers) assert.equal((await response.json()).error_code, "AUTH-008");
      else await response.body?.cancel();
    }
  });
}

Deno.test("DNS rebinding: the log, not the response, names the host that AllowedHosts lacks", async () => {
  const app = new Hono<GatewayEnv>();
  const errors: GatewayError[] = [];
  app.use(refuseForeignHosts(new Set(["localhost"])));
  app.onError((error) => {
    errors.push(asGatewayError(error));
    return problemResponse(errors[0]!, "id");
  });
  const response = await app.fetch(new Request("http://Radiology-1.clinic.example:8043/"));
  assert.doesNotMatch(await response.text(), /radiology-1/i);
  assert.deepEqual(errors.map(({ logFields }) => logFields), [
    { host: "radiology-1.clinic.example" },
  ]);
});
