/**
 * The findings of `doctor` with real services: nginx with the certificates of a test authority,
 * oidc-provider, tinyproxy, Redis. Each case asserts the finding, its sentence and advice, and the exit
 * code.
 */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Finding, Report, Step } from "../../src/tools/doctor/finding.ts";
import { explainDistance } from "../../src/tools/doctor/examine_distance.ts";
import { startNginx } from "../bench/proxies.ts";
import {
  CertificateAuthority,
  type CertificateRequest,
  type KeyPair,
  OPENSSL,
} from "../fixtures/certificate_authority.ts";
import { runCommand, runWithConfig } from "../fixtures/gateway_command.ts";
import { startEgressProxy, TINYPROXY } from "../fixtures/egress_proxy.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, needingRoot, type Tool } from "../fixtures/installed_tool.ts";
import { mountSmallDisk } from "../fixtures/small_disk.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";
import { START_FLAGS } from "../../deploy/deno_flags.ts";
import { REDIS, startRedisServer } from "../fixtures/redis_server.ts";

const NGINX: Tool = { name: "nginx", path: "/usr/sbin/nginx" };
const SECRET = "a-secret-that-is-never-shown";

type Section = Readonly<Record<string, unknown>>;

/** Runs `doctor --json` on one server, or on a section. */
async function examine(server: Section, section: Section = {}) {
  const { code, stdout, stderr } = await runWithConfig(
    { Servers: { main: server }, ...section },
    ["doctor", "--json"],
  );
  assert.doesNotMatch(stdout + stderr, new RegExp(SECRET));
  const report: Report = JSON.parse(stdout);
  const findings = [...report.gateway, ...report.servers.flatMap(({ findings }) => findings)];
  const of = (step: Step) => findings.filter((each) => each.step === step);
  return { code, report, findings, of };
}

function summary({ outcome, message, code, advice }: Finding) {
  return { outcome, message, code, advice: advice.join(" ") };
}

/** The one finding that failed; all others are well, skipped or doubtful. */
function onlyFailure(findings: readonly Finding[]): Finding {
  const failed = findings.filter(({ outcome }) => outcome === "failed");
  assert.equal(failed.length, 1, JSON.stringify(failed, null, 2));
  return failed[0]!;
}

function serveStore(answer: (request: Request) => Response) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
}

const studies = () =>
  Response.json([{ "0020000D": { vr: "UI", Value: ["1.2.3"] } }], {
    headers: { "content-type": "application/dicom+json" },
  });

function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("doctor: with a real provider and a store that answers, all checks pass and it ends with 0", async () => {
  const provider = await startOidcProvider({
    clients: [{ clientId: "gateway", clientSecret: SECRET }],
  });
  const seen: string[] = [];
  await using store = serveStore((request) => {
    seen.push(request.url, request.headers.get("authorization") ?? "");
    return studies();
  });
  const server = {
    Url: `http://127.0.0.1:${store.addr.port}/dicom-web`,
    TokenEndpoint: provider.tokenEndpoint,
    ClientId: "gateway",
    ClientSecret: SECRET,
    Scope: "dicom",
  };
  try {
    const { code, report, findings, of } = await examine(server);
    assert.equal(code, 0);
    assert.equal(report.outcome, "ok", JSON.stringify(findings, null, 2));
    assert.match(
      of("token")[0]!.message,
      new RegExp(`issued by ${provider.issuer}; it expires in 4 minutes`),
    );
    assert.equal(of("search")[0]!.message, "The store answers a search (a study).");
    assert.deepEqual(of("clock").map(({ outcome }) => outcome), ["ok", "ok"]);
    assert.match(seen[0]!, /\/dicom-web\/studies\?limit=1$/);
    assert.match(seen[1]!, /^Bearer ey/);

    const human = await runWithConfig({ Servers: { main: server } }, ["doctor", "main"]);
    assert.equal(human.code, 0, human.stdout);
    assert.match(human.stdout, /^Server main {2}http:/m);
    assert.match(human.stdout, /^ {2}ok {7}search +\S+ +The store answers a search/m);
    assert.match(human.stdout, /^All checks passed\.$/m);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(human.stdout, /\x1b/, "colour is for terminals");
  } finally {
    await provider.close();
  }
});

Deno.test("doctor: an error of the provider is reported in its words, with remedies, and the search is skipped", async (t) => {
  const provider = await startOidcProvider({
    clients: [{ clientId: "gateway", clientSecret: SECRET, metadata: { scope: "dicom" } }],
    scope: "dicom other",
  });
  await using store = serveStore(studies);
  const server = {
    Url: `http://127.0.0.1:${store.addr.port}/dicom-web`,
    TokenEndpoint: provider.tokenEndpoint,
    ClientId: "gateway",
    ClientSecret: SECRET,
    Scope: "dicom",
  };
  const cases: [name: string, keys: Section, code: string, message: RegExp, advice: RegExp][] = [
    [
      "wrong secret",
      { ClientSecret: "wrong" },
      "AUTH-001",
      /401.*invalid_client/,
      /ClientId and ClientSecret/,
    ],
    ["a scope that is not the client's", { Scope: "other" }, "AUTH-002", /invalid_scope/, /Scope/],
    [
      "wrong path of the token endpoint",
      { TokenEndpoint: `${provider.issuer}/nothing` },
      "TOK-001",
      /404/,
      /TokenEndpoint/,
    ],
    [
      "wrong realm",
      {
        TokenEndpoint: undefined,
        Issuer: `${provider.issuer}/realms/radiologie`,
        ProviderType: "keycloak",
      },
      "TOK-001",
      /discovery document .* answered 404/,
      /^Keycloak: check the realm .* Check Issuer/,
    ],
  ];
  try {
    for (const [name, keys, expected, message, advice] of cases) {
      await t.step(name, async () => {
        const { code, findings, of } = await examine({ ...server, ...keys });
        const failure = onlyFailure(findings);
        assert.equal(code, 1);
        assert.equal(failure.step, "token");
        assert.equal(failure.code, expected, failure.message);
        assert.match(failure.message, message);
        assert.match(failure.advice.join(" "), advice);
        assert.deepEqual(summary(of("search")[0]!), {
          outcome: "skipped",
          message: `Not tested: it needs the step "token" at ${failure.target}.`,
          code: null,
          advice: "",
        });
      });
    }
    await t.step("a scope that it silently leaves out", async () => {
      const { code, of } = await examine({ ...server, Scope: "dicom no-such" });
      const [token] = of("token");
      assert.equal(code, 0);
      assert.equal(token!.outcome, "warn");
      assert.match(token!.message, /It lacks a requested scope: no-such\.$/);
      assert.equal(of("search")[0]!.outcome, "ok");
    });
  } finally {
    await provider.close();
  }
  await t.step("provider down", async () => {
    const { code, findings, of } = await examine(server);
    const failure = onlyFailure(findings);
    assert.equal(code, 1);
    assert.equal(failure.target, new URL(provider.issuer).host);
    assert.match(failure.message, /Nothing listens on port \d+: the connection was refused\./);
    for (const step of ["token", "search"] as const) {
      assert.equal(of(step)[0]!.outcome, "skipped");
    }
  });
});

Deno.test("doctor: the round trip to the store is measured and compared with Distance", async () => {
  await using store = serveStore(studies);
  const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
  for (const Distance of ["near", "far"] as const) {
    const { code, of } = await examine({ ...server, Distance });
    const [found, ...more] = of("distance");
    assert.deepEqual(more, []);
    assert.equal(code, 0, "a warning is no failure");
    const { roundTripMs } = found!.details as { readonly roundTripMs: number };
    assert(roundTripMs > 0);
    const proxy = undefined;
    const key = "DicomWebOAuth.Servers.main.Distance";
    const expected = explainDistance(found!.target!, roundTripMs, {
      distance: Distance,
      key,
      proxy,
    });
    assert.deepEqual(found, expected);
  }
});

Deno.test("doctor: a closed port and an unknown name are distinguished", async () => {
  const port = closedPort();
  const closed = await examine({
    Url: `https://127.0.0.1:${port}/dicom-web`,
    ProviderType: "none",
  });
  assert.equal(closed.code, 1);
  assert.deepEqual(summary(onlyFailure(closed.findings)), {
    outcome: "failed",
    message: `Nothing listens on port ${port}: the connection was refused.`,
    code: "NET-002",
    advice: "Check the port in the URL, and that the service runs.",
  });
  assert.equal(closed.of("certificate")[0]!.message, "Not tested: there is no connection.");

  const unknown = await examine({ Url: "https://pacs.invalid/dicom-web", ProviderType: "none" });
  assert.equal(unknown.code, 1);
  const { step, message, advice } = onlyFailure(unknown.findings);
  assert.equal(step, "name");
  // Without any DNS server, the machine cannot know that the name does not exist.
  assert.match(message, /^(The name|No DNS server resolved) pacs\.invalid/);
  assert.match(advice.join(" "), /DNS server/);
  assert.equal(unknown.of("search")[0]!.outcome, "skipped");
});

/** A store behind nginx, which shows a certificate. */
async function behindNginx(
  pair: KeyPair,
  keys: Section,
  use: (examined: Awaited<ReturnType<typeof examine>>) => void,
): Promise<void> {
  await using store = serveStore(studies);
  await using nginx = await startNginx({ store: store.addr.port, tls: pair });
  use(
    await examine({
      Url: `https://127.0.0.1:${nginx.port}/dicom-web`,
      ProviderType: "none",
      ...keys,
    }),
  );
}

Deno.test(needing(
  NGINX,
  needing(OPENSSL, {
    name: "doctor: each fault of a store's certificate is reported by its cause (nginx)",
    async fn(t) {
      await using authority = await CertificateAuthority.create();
      const directory = await Deno.makeTempDir();
      const VerifySSL = `${directory}/ca.pem`;
      await Deno.writeTextFile(VerifySSL, authority.certificatePem);
      const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
      const issue = (more: Partial<CertificateRequest>) =>
        authority.issue({ commonName: "store", purpose: "server", ...more });
      const failures: [
        name: string,
        pair: KeyPair,
        keys: Section,
        message: string,
        advice: RegExp,
      ][] = [
        [
          "expired",
          await issue({ isExpired: true }),
          { VerifySSL },
          `The store's certificate expired on ${yesterday}.`,
          /^Ask the operator of 127\.0\.0\.1 to renew it\.$/,
        ],
        [
          "for another host",
          await issue({ names: "DNS:other.example" }),
          { VerifySSL },
          "The gateway cannot connect to the store: its certificate is for other.example, not for " +
          "127.0.0.1.",
          /use it in the URL/,
        ],
        [
          "of an unknown authority",
          await issue({}),
          {},
          'The store\'s certificate is signed by "Test authority", which this machine does not trust.',
          /DicomWebOAuth\.Servers\.main\.VerifySSL/,
        ],
        [
          "signed by itself",
          await authority.selfSigned("store", ["-addext", "basicConstraints=critical,CA:FALSE"]),
          {},
          'The store\'s certificate is self-signed ("store") and not trusted.',
          /certificate of the server as a PEM file/,
        ],
      ];
      try {
        for (const [name, pair, keys, message, advice] of failures) {
          await t.step(name, () =>
            behindNginx(pair, keys, ({ code, findings, of }) => {
              const failure = onlyFailure(findings);
              assert.equal(code, 1);
              assert.equal(failure.step, "certificate");
              assert.equal(failure.message, message);
              assert.equal(failure.code, "NET-003");
              assert.match(failure.advice.join(" "), advice);
              assert.match(
                of("search")[0]!.message,
                /^Not tested: it needs the step "certificate" at/,
              );
            }));
        }
        const soon = await issue({ days: 29 });
        await t.step(
          "near its end",
          () =>
            behindNginx(soon, { VerifySSL }, ({ code, report, of }) => {
              const [certificate] = of("certificate");
              assert.equal(code, 0, "a warning is no failure");
              assert.equal(report.outcome, "warn");
              assert.match(certificate!.message, /\(2[89] days left\)/);
              assert.match(certificate!.advice.join(" "), /renew/);
              assert.equal(of("search")[0]!.outcome, "ok");
            }),
        );
        const last = await issue({ days: 2 });
        await t.step("on its last day", () =>
          behindNginx(last, { VerifySSL }, ({ of }) => {
            assert.match(of("certificate")[0]!.message, /\(1 day left\)/);
          }));
        const late = await issue({ days: 90 });
        await t.step(
          "good for long, with its chain",
          () =>
            behindNginx(late, { VerifySSL }, ({ code, report, of }) => {
              assert.equal(code, 0);
              assert.equal(report.outcome, "ok", JSON.stringify(report, null, 2));
              const { chain } = of("certificate")[0]!.details as { chain: { subject: string }[] };
              assert.equal(chain[0]!.subject, "store");
            }),
        );
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    },
  }),
));

Deno.test("doctor: a port that does not speak TLS is reported as such", async () => {
  await using store = serveStore(studies);
  const { code, findings } = await examine({
    Url: `https://127.0.0.1:${store.addr.port}/dicom-web`,
    ProviderType: "none",
  });
  const failure = onlyFailure(findings);
  assert.equal(code, 1);
  assert.equal(failure.step, "certificate");
  assert.equal(
    failure.message,
    "The gateway cannot connect to the store: the service on this port does not speak TLS.",
  );
  assert.match(failure.advice.join(" "), /http:\/\//);
});

Deno.test("doctor: a store's response to a search is explained", async (t) => {
  const page = new Headers({ "content-type": "text/html" });
  const cases: [answer: () => Response, message: string, advice: RegExp][] = [
    [
      () => new Response("The plain HTTP request was sent to HTTPS port", { status: 400 }),
      "The store rejects the search as malformed (status 400).",
      /port expects TLS, start Url with https:/,
    ],
    [
      () => new Response("no", { status: 401 }),
      "The store rejects the credential (status 401).",
      /audience/,
    ],
    [
      () => new Response("no", { status: 403 }),
      "The store accepts the credential but denies permission to search (status 403).",
      /role/,
    ],
    [
      () => new Response("no", { status: 404 }),
      "The store has no DICOMweb service at this address (status 404).",
      /path of Url/,
    ],
    [
      () => new Response("no", { status: 503 }),
      "The store reports an internal error (status 503).",
      /log/,
    ],
    [
      () => new Response("<h1>Welcome</h1>", { headers: page }),
      "The store returned text/html instead of DICOM JSON (status 200).",
      /web page/,
    ],
    [
      () => Response.redirect("https://elsewhere.example/", 302),
      "The store leads elsewhere.",
      /.*/,
    ],
  ];
  for (const [answer, message, advice] of cases) {
    await t.step(message, async () => {
      await using store = serveStore(answer);
      const { code, findings } = await examine({
        Url: `http://127.0.0.1:${store.addr.port}/dicom-web`,
        ProviderType: "headers",
        Headers: { "X-Key": SECRET },
      });
      const failure = onlyFailure(findings);
      assert.equal(code, 1);
      assert.equal(failure.step, "search");
      if (failure.code === null) assert.equal(failure.message, message);
      else assert.equal(failure.code, "NET-004");
      assert.match(failure.advice.join(" "), advice);
    });
  }
});

Deno.test("doctor: a store that rejects a long token is reported with the token's length", async () => {
  await using store = serveStore(() => new Response("too large", { status: 400 }));
  const { findings } = await examine({
    Url: `http://127.0.0.1:${store.addr.port}/dicom-web`,
    ProviderType: "bearer",
    Token: "t".repeat(9000),
  });
  const failure = onlyFailure(findings);
  const state = "limit request headers to less than the 9007 characters of the credential";
  assert.equal(failure.message, `The store may ${state} (status 400).`);
  assert.match(failure.advice[0] ?? "", /large_client_header_buffers of nginx/);
});

Deno.test("doctor: a clock that differs is a warning, one that differs a lot a failure", async () => {
  const cases: [minutes: number, outcome: string, code: number, message: RegExp][] = [
    [2, "warn", 0, /^Its clock is 2 minutes ahead of this machine's\./],
    [-20, "failed", 1, /^Its clock is 20 minutes behind this machine's\./],
  ];
  for (const [minutes, outcome, expected, message] of cases) {
    // Only the Date of the response is fake.
    await using store = serveStore(() => {
      const response = studies();
      response.headers.set("date", new Date(Date.now() + minutes * 60_000).toUTCString());
      return response;
    });
    const { code, of } = await examine({
      Url: `http://127.0.0.1:${store.addr.port}/dicom-web`,
      ProviderType: "none",
    });
    const [clock] = of("clock");
    assert.equal(code, expected);
    assert.equal(clock!.outcome, outcome);
    assert.match(clock!.message, message);
    assert.match(clock!.advice.join(" "), /chrony/);
  }
});

Deno.test(needing(
  TINYPROXY,
  needing(
    NGINX,
    needing(OPENSSL, {
      name: "doctor: an egress proxy opens the tunnel, and its rejections are reported (tinyproxy)",
      async fn(t) {
        await using authority = await CertificateAuthority.create();
        // A name of this machine: loopback would not be contacted through the proxy.
        const host = Deno.hostname();
        const names = `DNS:${host}`;
        const issue = { commonName: "store", purpose: "server", days: 90, names } as const;
        const pair = await authority.issue(issue);
        const directory = await Deno.makeTempDir();
        const VerifySSL = `${directory}/ca.pem`;
        await Deno.writeTextFile(VerifySSL, authority.certificatePem);
        await using origin = serveStore(studies);
        await using nginx = await startNginx({
          store: origin.addr.port,
          tls: pair,
          address: "0.0.0.0",
        });
        const server = {
          Url: `https://${host}:${nginx.port}/dicom-web`,
          ProviderType: "none",
          VerifySSL,
        };
        const login = { user: "gateway", password: SECRET };
        try {
          await t.step("lets through with the right login", async () => {
            await using proxy = await startEgressProxy({ login });
            const { code, report, of } = await examine(server, {
              Proxy: { Url: proxy.url, Username: login.user, Password: login.password },
            });
            assert.equal(code, 0, JSON.stringify(report, null, 2));
            assert.match(of("proxy")[0]!.message, /opens a tunnel/);
            assert.equal(of("certificate")[0]!.outcome, "ok");
            assert.equal(of("search")[0]!.outcome, "ok");
            const tunnels = await proxy.tunnels();
            assert(tunnels.length >= 2, "the probe and the search both went through it");
            assert.deepEqual([...new Set(tunnels)], [`${host}:${nginx.port}`]);
          });
          const refusals: [
            name: string,
            options: object,
            keys: Section,
            message: RegExp,
            advice: RegExp,
          ][] = [
            [
              "wrong password",
              { login },
              { Username: "gateway", Password: "wrong" },
              /rejects the user name or the password \(401\)/,
              /Proxy\.Username and Proxy\.Password/,
            ],
            [
              "no login",
              { login },
              {},
              /requires a user name and a password \(407\)/,
              /Proxy\.Username/,
            ],
            [
              "a port that it does not permit",
              { onlyPort: 443 },
              {},
              /opens no tunnel to \S+: it answered 403/,
              /permit /,
            ],
          ];
          for (const [name, options, keys, message, advice] of refusals) {
            await t.step(name, async () => {
              await using proxy = await startEgressProxy(options);
              const { code, findings } = await examine(server, {
                Proxy: { Url: proxy.url, ...keys },
              });
              const failure = onlyFailure(findings);
              assert.equal(code, 1);
              assert.equal(failure.step, "proxy");
              assert.match(failure.message, message);
              assert.match(failure.advice.join(" "), advice);
            });
          }
          await t.step("not there", async () => {
            const { code, findings } = await examine(server, {
              Proxy: { Url: `http://127.0.0.1:${closedPort()}` },
            });
            const failure = onlyFailure(findings);
            assert.equal(code, 1);
            assert.match(failure.message, /^The proxy \S+ cannot be reached: .*ECONNREFUSED/);
          });
        } finally {
          await Deno.remove(directory, { recursive: true });
        }
      },
    }),
  ),
));

Deno.test("doctor: a port used by a gateway passes, one used by another program fails", async () => {
  await using store = serveStore(studies);
  const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
  await using gateway = await startGateway({ Servers: { main: server } });
  const listen = (port: number) => ({ Listen: { Address: "127.0.0.1", Port: port } });
  const running = await examine(server, listen(Number(new URL(gateway.url).port)));
  assert.equal(running.code, 0);
  assert.equal(running.of("listener")[0]!.message, "A healthy gateway is running here.");

  await using other = serveStore(() => new Response(null, { status: 404 }));
  const taken = await examine(server, listen(other.addr.port));
  assert.equal(taken.code, 1);
  assert.equal(onlyFailure(taken.findings).message, "Another program uses this port.");

  const free = await examine(server, listen(closedPort()));
  assert.equal(free.of("listener")[0]!.message, "The port is free; no gateway runs here.");
});

Deno.test("doctor: a state directory that others may use is a failure, and no token is stored", async () => {
  await using store = serveStore(studies);
  const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
  const directory = await Deno.makeTempDir();
  const section = {
    StateDirectory: directory,
    TokenCache: { Backend: "kv", EncryptionKey: btoa("k".repeat(32)) },
  };
  try {
    await Deno.chmod(directory, 0o755);
    const open = await examine(server, section);
    assert.equal(open.code, 1);
    assert.equal(open.of("state directory")[0]!.outcome, "failed");
    assert.match(open.of("state directory")[0]!.message, /chmod 700/);
    await Deno.chmod(directory, 0o700);
    const closed = await examine(server, section);
    assert.equal(closed.code, 0);
    assert.equal(closed.of("token cache")[0]!.outcome, "ok");
    for await (const { name } of Deno.readDir(directory)) {
      assert.equal((await Deno.stat(`${directory}/${name}`)).mode! & 0o077, 0, name);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("doctor: a damaged place of the KV file and of the audit trail is reported, and nothing is left there", async () => {
  await using store = serveStore(studies);
  const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
  const directory = await Deno.makeTempDir();
  const state = `${directory}/state`;
  const trail = `${directory}/trail`;
  const section = {
    StateDirectory: state,
    TokenCache: { Backend: "kv", EncryptionKey: btoa("k".repeat(32)) },
    Audit: { File: `${trail}/audit.jsonl` },
  };
  try {
    for (const path of [state, trail]) await Deno.mkdir(path, { mode: 0o700 });
    const good = await examine(server, section);
    assert.equal(good.code, 0);
    assert.equal(good.of("audit trail")[0]!.message, "It can be continued; nothing was written.");
    assert.deepEqual(good.of("disk space").map(({ target, outcome }) => [target, outcome]), [
      [state, "ok"],
      [trail, "ok"],
    ]);
    assert.deepEqual([...Deno.readDirSync(trail)], []);

    for (const name of ["tokens.kv", "tokens.kv-wal", "tokens.kv-shm"]) {
      await Deno.remove(`${state}/${name}`).catch(() => {});
    }
    await Deno.mkdir(`${state}/tokens.kv/in the way`, { recursive: true });
    await Deno.writeTextFile(`${trail}/audit.jsonl`, "no record\n", { mode: 0o600 });
    const bad = await examine(server, section);
    assert.equal(bad.code, 1);
    const [cache] = bad.of("token cache");
    assert.deepEqual([cache!.outcome, cache!.code], ["failed", "INT-002"]);
    assert.match(cache!.message, /^It cannot be used: .*unable to open/);
    assert.match(cache!.advice[0]!, /tokens\.kv/);
    const [audit] = bad.of("audit trail");
    assert.deepEqual([audit!.outcome, audit!.code], ["failed", "INT-004"]);
    assert.match(audit!.message, /^Records cannot be written: its last line is not a record/);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("doctor: a syslog server for the audit trail that refuses connections is a failure", async () => {
  await using store = serveStore(studies);
  const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
  const Port = closedPort();
  const { code, of } = await examine(server, {
    Audit: { To: "syslog", Syslog: { Host: "127.0.0.1", Port } },
  });
  assert.equal(code, 1);
  const [audit] = of("audit trail");
  assert.equal(audit!.target, `127.0.0.1:${Port}`);
  assert.match(audit!.message, /^Records cannot be written: .*refused/i);
});

Deno.test(needingRoot({
  name: "doctor: a disk that is nearly full is a warning, a full one a failure",
  async fn() {
    await using store = serveStore(studies);
    const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
    await using disk = await mountSmallDisk("16m");
    const section = { Audit: { File: `${disk.path}/audit.jsonl` } };
    const space = async () => {
      const { code, of } = await examine(server, section);
      const [{ outcome, message }] = of("disk space") as [Finding];
      return { code, outcome, message };
    };
    assert.equal((await space()).outcome, "ok");
    await Deno.writeFile(`${disk.path}/other`, new Uint8Array(15.5 * 1024 * 1024));
    const low = await space();
    assert.deepEqual([low.code, low.outcome], [0, "warn"]);
    assert.match(low.message, /has 0\.\d MiB free \(\d\.\d %\)/);
    await disk.fill();
    const full = await space();
    assert.deepEqual([full.code, full.outcome], [1, "failed"]);
    assert.match(full.message, /^A test file cannot be written: No space left on device/);
    assert.deepEqual([...Deno.readDirSync(disk.path)].map(({ name }) => name).sort(), [
      "filler",
      "other",
    ]);
  },
}));

Deno.test("doctor: the own faults of a running gateway are reported, or, where they need a permission, its readiness", async () => {
  await using store = serveStore(studies);
  const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
  await using gateway = await startGateway({ Servers: { main: server } });
  const at = (url: string) => ({
    Listen: { Address: "127.0.0.1", Port: Number(new URL(url).port) },
  });
  const well = await examine(server, at(gateway.url));
  assert.equal(well.of("gateway")[0]!.message, "It reports no problems of its own.");
  await gateway.writeConfig({ Servers: { main: server }, Typo: 1 });
  gateway.signal("SIGHUP");
  await gateway.until(/Reload failed/);
  const old = await examine(server, at(gateway.url));
  assert.equal(old.code, 0);
  const [reload] = old.of("gateway");
  assert.equal(reload!.outcome, "warn");
  assert.match(reload!.message, /^The last reload of the configuration failed, since .*Typo/s);

  const Authentication = { ApiKeys: { Keys: { doctor: `sha256:${"0".repeat(64)}` } } };
  const TokenCache = {
    Backend: "redis",
    Url: `redis://127.0.0.1:${closedPort()}`,
    EncryptionKey: btoa("k".repeat(32)),
  };
  const section = { Servers: { main: server }, Authentication, TokenCache };
  await using closed = await startGateway(section, { isUnready: true });
  const unready = await examine(server, { Authentication, TokenCache, ...at(closed.url) });
  assert.equal(unready.code, 1);
  const [readiness] = unready.of("gateway");
  assert.deepEqual([readiness!.outcome, readiness!.code], ["failed", "INT-002"]);
  assert.match(readiness!.message, /^It is not ready: `\/readyz` returns 503; its status page/);
  assert.doesNotMatch(closed.output(), /AUTH-00/);
});

Deno.test(needing(REDIS, {
  name: "doctor: an unreachable or read-only token cache (Redis) is reported without its password",
  async fn() {
    await using store = serveStore(studies);
    const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
    const redis = await startRedisServer({ password: SECRET });
    const cache = (url: string) => ({
      TokenCache: { Backend: "redis", Url: url, EncryptionKey: btoa("k".repeat(32)) },
    });
    const section = cache(redis.url);
    const replica = await startRedisServer({ args: ["--replicaof", `127.0.0.1 ${redis.port}`] });
    await redis.command(
      ...["acl", "setuser", "reader", "on", `>${SECRET}`, "~dicomweb-gateway:*"],
      ...["+get", "+set", "+del", "+ping"],
    );
    try {
      const { code, of } = await examine(server, section);
      assert.equal(code, 0);
      assert.equal(of("token cache")[0]!.message, "A key was written, leased and deleted.");
      assert.equal(await redis.command("dbsize"), "0");
      for (
        const [url, reason] of [
          [replica.url, /READONLY/],
          [redis.url.replace("//:", "//reader:"), /NOPERM/],
        ] as const
      ) {
        const unusable = await examine(server, cache(url));
        assert.equal(unusable.code, 1);
        assert.match(unusable.of("token cache")[0]!.message, reason);
      }
    } finally {
      await replica.kill();
      await redis.kill();
    }
    const gone = await examine(server, section);
    assert.equal(gone.code, 1);
    const failure = onlyFailure(gone.findings);
    assert.equal(failure.code, "INT-002");
    assert.match(failure.message, /^It cannot be used: not connected: .*ECONNREFUSED/);
  },
}));

Deno.test("doctor: 64 for an unknown server, 78 for an invalid configuration, also as JSON", async () => {
  const server = { Url: "https://store.example", ProviderType: "none" };
  const unknown = await runWithConfig({ Servers: { main: server } }, ["doctor", "mian"]);
  assert.equal(unknown.code, 64);
  assert.match(unknown.stderr, /Unknown server "mian"\. Did you mean "main"\?/);

  const wrong = await runWithConfig({ Servers: { main: { Url: 5 } } }, ["doctor", "--json"]);
  assert.equal(wrong.code, 78);
  const report: Report = JSON.parse(wrong.stdout);
  assert.equal(report.outcome, "failed");
  assert.equal(report.gateway[0]!.step, "configuration");
  assert.match(report.gateway[0]!.target ?? "", /Servers\.main/);

  const none = await runCommand(["doctor", "--config", "/no/such/gateway.json"]);
  assert.equal(none.code, 78);
});

Deno.test("doctor: everything is tried once, so that no retry hides a failure", async () => {
  let searches = 0;
  await using store = serveStore(() => {
    searches++;
    return new Response(null, { status: 503 });
  });
  const url = `http://127.0.0.1:${store.addr.port}/dicom-web`;
  assert.equal((await examine({ Url: url, ProviderType: "none" })).code, 1);
  assert.equal(searches, 1);

  let tokenRequests = 0;
  await using provider = serveStore(() => {
    tokenRequests++;
    return new Response(null, { status: 503 });
  });
  const { code, findings } = await examine({
    Url: url,
    TokenEndpoint: `http://127.0.0.1:${provider.addr.port}/token`,
    ClientId: "gateway",
    ClientSecret: SECRET,
  });
  assert.equal(code, 1);
  assert.equal(onlyFailure(findings).step, "token");
  assert.equal(tokenRequests, 1);
});

Deno.test("doctor: the issuers of clients' tokens are examined, also one with the name of a server", async () => {
  await using store = serveStore(studies);
  const port = closedPort();
  const { code, report } = await examine({
    Url: `http://127.0.0.1:${store.addr.port}/dicom-web`,
    ProviderType: "none",
  }, {
    Authentication: {
      Jwt: {
        main: {
          Issuer: "https://login.example",
          JwksUri: `https://127.0.0.1:${port}/keys`,
          Audience: "gateway",
        },
      },
    },
  });
  assert.equal(code, 1, JSON.stringify(report, null, 2));
  const failure = onlyFailure(report.gateway);
  assert.equal(failure.step, "connection");
  assert.equal(failure.target, `127.0.0.1:${port}`);
  assert.equal(report.servers[0]!.outcome, "ok");
});

Deno.test(needing(OPENSSL, {
  name:
    "doctor: with a private authority and a client certificate all is well; without the latter the search says so",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const server = await authority.issue({ commonName: "store", purpose: "server", days: 90 });
    const own = await authority.issue({ commonName: "gateway" });
    const store = createServer({
      cert: server.certificatePem,
      key: server.keyPem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: true,
    }, (_request, response) => {
      response.writeHead(200, { "content-type": "application/dicom+json" }).end("[]");
    });
    await new Promise<void>((resolve) => store.listen(0, "127.0.0.1", resolve));
    const directory = await Deno.makeTempDir();
    const file = async (name: string, content: string) => {
      await Deno.writeTextFile(`${directory}/${name}`, content, { mode: 0o600 });
      return `${directory}/${name}`;
    };
    try {
      const configured = {
        Url: `https://127.0.0.1:${(store.address() as AddressInfo).port}/dicom-web`,
        ProviderType: "none",
        VerifySSL: await file("ca.pem", authority.certificatePem),
      };
      const CertificateFile = await file("own.pem", own.certificatePem);
      const KeyFile = await file("own.key", own.keyPem);
      const shown = await examine({
        ...configured,
        ClientCertificate: { CertificateFile, KeyFile },
      });
      assert.equal(shown.code, 0, JSON.stringify(shown.report, null, 2));
      assert.equal(shown.of("search")[0]!.message, "The store answers a search (no study yet).");

      const none = await examine(configured);
      assert.equal(none.code, 1);
      const failure = onlyFailure(none.findings);
      assert.equal(failure.code, "NET-003");
      assert.match(failure.message, /it requires a client certificate/);
      assert.match(failure.advice.join(" "), /ClientCertificate/);
    } finally {
      store.close();
      store.closeAllConnections();
      await Deno.remove(directory, { recursive: true });
    }
  },
}));

Deno.test(needing({ name: "script", path: "/usr/bin/script" }, {
  name: "doctor: a terminal gets colour, unless NO_COLOR is set",
  async fn() {
    await using store = serveStore(studies);
    const directory = await Deno.makeTempDir();
    const file = `${directory}/gateway.json`;
    const server = { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" };
    const section = { Listen: { Address: "127.0.0.1", Port: 0 }, Servers: { main: server } };
    await Deno.writeTextFile(file, JSON.stringify({ DicomWebOAuth: section }));
    const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
    const command = [Deno.execPath(), "run", "--quiet", ...START_FLAGS, main, "doctor"];
    try {
      for (const [noColor, colours] of [["", true], ["1", false]] as const) {
        const { stdout } = await new Deno.Command("/usr/bin/script", {
          args: ["-qec", `${command.join(" ")} --config ${file}`, "/dev/null"],
          env: { NO_COLOR: noColor, TERM: "xterm" },
          stdin: "null",
        }).output();
        const text = new TextDecoder().decode(stdout);
        assert.match(text, /All checks passed\./);
        assert.equal(text.includes("\x1b[32m"), colours);
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
}));
