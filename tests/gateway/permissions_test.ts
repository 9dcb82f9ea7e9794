import assert from "node:assert/strict";
import type { PermissionConfig, Right } from "../../src/config/inbound/permissions.ts";
import type { Caller } from "../../src/credentials/inbound/caller.ts";
import { AccessRules } from "../../src/gateway/steps/access_rules.ts";
import type { ForwardRequest } from "../../src/upstream/forward_request.ts";
import type { Store } from "../../src/upstream/store.ts";
import { gatewayApp } from "./gateway_app.ts";

/** A request for each right, at server `main`. */
const REQUESTS: Readonly<Record<Right, readonly [method: string, path: string]>> = {
  query: ["GET", "/dicom-web/main/studies?PatientID=1"],
  retrieve: ["GET", "/dicom-web/main/studies/1.2"],
  store: ["POST", "/dicom-web/main/studies"],
  delete: ["DELETE", "/dicom-web/main/studies/1.2"],
  worklist: ["GET", "/dicom-web/main/workitems"],
  vendor: ["GET", "/dicom-web/main/changefeed"],
  capabilities: ["OPTIONS", "/dicom-web/main/"],
  unknown: ["POST", "/dicom-web/main/studies/1.2/reject"],
  manage: ["POST", "/dicomweb-oauth/servers/main/test"],
  metrics: ["GET", "/dicomweb-oauth/metrics"],
};
const ALL = Object.keys(REQUESTS) as Right[];

function gateway(
  permissions: readonly PermissionConfig[] | undefined,
  caller: Caller | undefined,
  readOnly: readonly string[] = [],
): {
  readonly forwarded: ForwardRequest[];
  ask(method: string, path: string): Promise<{ status: number; code?: string; message?: string }>;
} {
  const forwarded: ForwardRequest[] = [];
  const store = (name: string) =>
    ({
      name,
      url: "https://store.example",
      authorizer: {
        describe: () => ({ kind: "none", hasToken: false }),
        renew: () => Promise.resolve(),
      },
      forward: (request: ForwardRequest) => {
        forwarded.push(request);
        return Promise.resolve(Response.json({}));
      },
    }) as unknown as Store;
  const app = gatewayApp({
    stores: new Map(["main", "other"].map((name) => [name, store(name)])),
    authenticator: caller && { identify: () => caller },
    access: new AccessRules({
      permissions,
      servers: ["main", "other"],
      readOnly: new Set(readOnly),
    }),
  });
  return {
    forwarded,
    async ask(method, path) {
      const response = await app.ask(path, { method });
      const text = await response.text();
      const { error_code: code, message } = text.startsWith("{") ? JSON.parse(text) : {};
      return { status: response.status, code, message };
    },
  };
}

const alice: Caller = { subject: "user:alice", roles: [] };
const permit = (
  rights: readonly Right[],
  subjects = ["user:alice"],
  servers = ["*"],
): PermissionConfig => ({ subjects, servers, rights });

for (const right of ALL) {
  Deno.test(`Permissions: ${right} permits its own requests and no others`, async () => {
    const { ask } = gateway([permit([right])], alice);
    for (const other of ALL) {
      const [method, path] = REQUESTS[other];
      const { status, code } = await ask(method, path);
      if (other === right) assert.equal(status, 200, `${method} ${path}`);
      else assert.deepEqual([status, code], [403, "AUTH-007"], `${method} ${path}`);
    }
  });
}

Deno.test("Permissions: denied requests never reach the store", async () => {
  const { ask, forwarded } = gateway([permit(["query"])], alice);
  for (const right of ALL.filter((right) => right !== "query")) await ask(...REQUESTS[right]);
  assert.deepEqual(forwarded, []);
});

Deno.test("Permissions: if any is configured, clients without one are denied everything", async () => {
  const { ask } = gateway([permit(ALL, ["user:bob"])], alice);
  for (const [method, path] of Object.values(REQUESTS)) {
    assert.equal((await ask(method, path)).status, 403);
  }
  for (const path of ["/healthz", "/readyz"]) assert.equal((await ask("GET", path)).status, 200);
});

Deno.test("Permissions: without any everything is permitted, including unknown transactions", async () => {
  const { ask } = gateway(undefined, alice);
  for (const [method, path] of Object.values(REQUESTS)) {
    assert.equal((await ask(method, path)).status, 200);
  }
});

/** A permission's subject, a client, and whether the permission applies to it. */
const SUBJECTS: readonly [subject: string, caller: Caller | undefined, allowed: boolean][] = [
  ["*", alice, true],
  ["*", undefined, true],
  ["anonymous", undefined, true],
  ["anonymous", alice, false],
  ["user:*", alice, true],
  ["user:alice", { subject: "key:alice", roles: [] }, false],
  ["user:alice", { subject: "jwt:hospital:alice", roles: [] }, false],
  ["user:alice", { subject: "jwt:user:alice", roles: [] }, false],
  ["user:alice", { subject: "user:alice2", roles: [] }, false],
  ["key:*", { subject: "key:viewer", roles: [] }, true],
  ["jwt:hospital:*", { subject: "jwt:hospital:4711", roles: [] }, true],
  ["jwt:hospital:*", { subject: "jwt:clinic:4711", roles: [] }, false],
  ["jwt:hospital:*", { subject: "jwt:hospital2:4711", roles: [] }, false],
  ["jwt:hospital:a:b", { subject: "jwt:hospital:a:b", roles: [] }, true],
  ["role:hospital:read", { subject: "jwt:hospital:1", roles: ["role:hospital:read"] }, true],
  ["role:hospital:read", { subject: "jwt:clinic:1", roles: ["role:clinic:read"] }, false],
  ["role:hospital:read", { subject: "jwt:hospital:role:hospital:read", roles: [] }, false],
];

for (const [subject, caller, allowed] of SUBJECTS) {
  Deno.test(`Permissions: ${subject} ${allowed ? "matches" : "does not match"} ${caller?.subject ?? "an anonymous client"}`, async () => {
    const { ask } = gateway([permit(["query"], [subject])], caller);
    assert.equal((await ask(...REQUESTS.query)).status, allowed ? 200 : 403);
  });
}

Deno.test("Permissions: those of one server permit neither other servers nor pages about all", async () => {
  const { ask } = gateway([permit(ALL, ["*"], ["main"])], alice);
  for (const right of ALL.filter((right) => right !== "metrics")) {
    assert.equal((await ask(...REQUESTS[right])).status, 200, right);
  }
  const closed = [
    ["GET", "/dicom-web/other/studies"],
    ["GET", "/oauth-dicom-web/servers/other/studies"],
    ["POST", "/dicomweb-oauth/servers/other/test"],
    ["POST", "/dicomweb-oauth/servers/oth%65r/test"],
    ["POST", "/dicomweb-oauth/servers/m%2561in/test"],
    ["GET", "/dicomweb-oauth/servers"],
    ["GET", "/dicomweb-oauth/status"],
    ["GET", "/dicomweb-oauth/metrics"],
    ["GET", "/"],
    ["GET", "/none"],
  ] as const;
  for (const [method, path] of closed) assert.equal((await ask(method, path)).status, 403, path);
});

Deno.test("Permissions: several are combined", async () => {
  const { ask } = gateway([
    permit(["query"], ["user:alice"], ["main"]),
    permit(["retrieve"], ["user:*"], ["main"]),
    permit(["delete"], ["user:bob"]),
  ], alice);
  assert.equal((await ask(...REQUESTS.query)).status, 200);
  assert.equal((await ask(...REQUESTS.retrieve)).status, 200);
  assert.equal((await ask(...REQUESTS.delete)).status, 403);
});

Deno.test("Permissions: HEAD needs the right of GET, and the plugin's paths those of the others", async () => {
  const { ask } = gateway([permit(["query", "store"])], alice);
  assert.equal((await ask("HEAD", "/dicom-web/main/studies")).status, 200);
  assert.equal((await ask("HEAD", "/dicom-web/main/studies/1.2")).status, 403);
  assert.equal((await ask("POST", "/oauth-dicom-web/servers/main/stow")).status, 200);
  assert.equal((await ask("GET", "/oauth-dicom-web/servers/main/studies/1.2")).status, 403);
});

Deno.test("Permissions: a request whose query overrides the method is unknown", async () => {
  const { ask } = gateway([permit(["query", "store"])], alice);
  assert.equal((await ask("POST", "/dicom-web/main/studies?%24httpMethod=DELETE")).status, 403);
  assert.equal((await ask("GET", "/dicom-web/main/studies?_method=POST")).status, 403);
});

Deno.test("ReadOnly: no transaction that may change data reaches the store, whatever the permissions", async () => {
  for (const permissions of [undefined, [permit(ALL)]]) {
    const { ask, forwarded } = gateway(permissions, alice, ["main"]);
    const refused = [
      REQUESTS.store,
      REQUESTS.delete,
      REQUESTS.unknown,
      ["POST", "/dicom-web/main/workitems"],
      ["PUT", "/dicom-web/main/workitems/1.2/state"],
      ["POST", "/dicom-web/main/extendedquerytags"],
      ["POST", "/dicom-web/main/export"],
      ["GET", "/dicom-web/main/anything"],
      ["GET", "/dicom-web/main/studies?%24httpMethod=DELETE"],
    ] as const;
    for (const [method, path] of refused) {
      const { status, code, message } = await ask(method, path);
      assert.deepEqual([status, code], [403, "AUTH-007"], path);
      assert.match(message ?? "", /read-only/);
    }
    assert.deepEqual(forwarded, []);
    const allowed = ["query", "retrieve", "worklist", "vendor", "capabilities", "manage"] as const;
    for (const right of allowed) assert.equal((await ask(...REQUESTS[right])).status, 200, right);
    assert.equal((await ask("POST", "/dicom-web/other/studies")).status, 200);
  }
});
