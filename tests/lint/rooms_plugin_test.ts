/**
 * The lint plugin notices every violation that it claims to notice.
 */
import assert from "node:assert/strict";
import { PRIVILEGES, ROOMS } from "./rooms.ts";
import plugin from "./rooms_plugin.ts";

function lint(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map(({ id, message }) => `${id}: ${message}`);
}

Deno.test("rooms: a room imports itself and every room before it", () => {
  for (const [place, room] of ROOMS.entries()) {
    for (const other of ROOMS.slice(0, place + 1)) {
      const source = `import { thing } from "../${other}/thing.ts";`;
      assert.deepEqual(lint(`src/${room}/file.ts`, source), [], `${room} imports ${other}`);
    }
  }
});

Deno.test("rooms: an import of a later room is reported", () => {
  for (const [place, room] of ROOMS.entries()) {
    for (const other of ROOMS.slice(place + 1)) {
      const source = `import type { Thing } from "../${other}/thing.ts";`;
      assert.deepEqual(lint(`src/${room}/file.ts`, source), [
        `rooms/import-direction: ${room}/ may not import ${other}/: imports point to the rooms listed before it`,
      ]);
    }
  }
});

Deno.test("rooms: every form of import is checked", () => {
  for (
    const source of [
      'import "../cli/run.ts";',
      'import * as all from "../cli/run.ts";',
      'export * from "../cli/run.ts";',
      'export { run } from "../cli/run.ts";',
      'const { run } = await import("../cli/run.ts");',
      'type Run = import("../cli/run.ts").Run;',
      'import { run } from "../../src/cli/run.ts";',
      'import { run } from "./deeper/../../cli/run.ts";',
    ]
  ) {
    assert.equal(lint("src/gateway/app.ts", source).length, 1, source);
  }
});

Deno.test("rooms: the program imports nothing from outside src/ but its version", () => {
  assert.equal(
    lint("src/demo/demo.ts", 'import { a } from "../../tests/fixtures/a.ts";').length,
    1,
  );
  assert.equal(lint("src/demo/demo.ts", 'import { a } from "../kitchen/a.ts";').length, 1);
  assert.deepEqual(
    lint("src/cli/version.ts", 'import deno from "../../deno.json" with { type: "json" };'),
    [],
  );
});

Deno.test("rooms: main.ts imports cli/ and nothing else", () => {
  assert.deepEqual(lint("main.ts", 'import { run } from "./src/cli/run.ts";'), []);
  assert.deepEqual(lint("main.ts", 'import { load } from "./src/config/load.ts";'), [
    "rooms/import-direction: main.ts imports cli/ and nothing else",
  ]);
});

const uses = PRIVILEGES.flatMap((privilege) => [
  ...(privilege.globals ?? []).flatMap((name) =>
    [
      `${name}("x");`,
      `const use = globalThis.${name};`,
      `const use = { ${name} };`,
      `const use = options.${name} ?? ${name};`,
    ].map((source) => ({ source, privilege }))
  ),
  ...(privilege.deno ?? []).flatMap((name) =>
    [
      `Deno.${name};`,
      `Deno["${name}"];`,
    ].map((source) => ({ source, privilege }))
  ),
  ...(privilege.modules ?? []).flatMap((name) =>
    [
      `import { a } from "${name}";`,
      `import { a } from "${name}/deeper";`,
      `import { a } from "npm:${name}@1.2.3/deeper";`,
    ].map((source) => ({ source, privilege }))
  ),
]);

Deno.test("rooms: a privilege is denied in every room that lacks it, in whatever form", () => {
  for (const { source, privilege } of uses) {
    for (const room of ROOMS.filter((room) => !privilege.rooms.includes(room))) {
      const found = lint(`src/${room}/file.ts`, source);
      assert.equal(found.length, 1, `${room}: ${source} gives ${found}`);
      assert.match(found[0] ?? "", /^rooms\/privilege: /);
      assert.ok(found[0]?.endsWith(` may ${privilege.what}`), found[0]);
    }
    assert.equal(lint("main.ts", source).length, 1, `main.ts: ${source}`);
  }
});

Deno.test("rooms: a privilege is granted in the rooms that have it", () => {
  for (const { source, privilege } of uses) {
    for (const room of privilege.rooms) {
      assert.deepEqual(lint(`src/${room}/file.ts`, source), [], `${room}: ${source}`);
    }
  }
});

Deno.test("rooms: Deno cannot be used under another name", () => {
  for (
    const source of [
      "const { env } = Deno;",
      "const d = Deno;",
      "use(Deno);",
      'const name = "env"; Deno[name];',
      "const d = globalThis.Deno;",
    ]
  ) {
    assert.equal(lint("src/upstream/forward.ts", source).length, 1, source);
  }
});

Deno.test("rooms: keys, members and types with a privileged name are allowed", () => {
  for (
    const source of [
      "app.fetch(request);",
      "use({ fetch: send });",
      "class Client { fetch() {} }",
      "class Client { fetch = send; }",
      "interface Client { readonly fetch: Send; }",
      "type Send = typeof fetch;",
      "type Client = Deno.HttpClient;",
      "Deno.version;",
      'import { a } from "honor";',
    ]
  ) {
    assert.deepEqual(lint("src/upstream/forward.ts", source), [], source);
  }
});

Deno.test("rooms: catch-all names and files outside the rooms are reported", () => {
  for (
    const path of [
      "src/upstream/utils.ts",
      "src/upstream/helpers/url.ts",
      "src/dicomweb/mod.ts",
      "src/gateway/index.tsx",
      "src/common/url.ts",
      "src/kitchen/url.ts",
      "src/server.ts",
    ]
  ) {
    const [found, ...more] = lint(path, "export const one = 1;");
    assert.match(found ?? "", /^rooms\/no-drawers: /, path);
    assert.deepEqual(more, [], path);
  }
  assert.deepEqual(lint("src/dicomweb/model.ts", "export const one = 1;"), []);
});

Deno.test("rooms: tests may do what the program may not", () => {
  assert.deepEqual(lint("tests/e2e/orthanc_test.ts", 'await fetch("http://127.0.0.1/");'), []);
});

Deno.test("rooms: the table of the design is enforced", () => {
  const table: readonly [rooms: string, source: string][] = [
    ["network", 'await fetch("https://store.example/");'],
    ["network", "Deno.createHttpClient({});"],
    ["credentials", "await Deno.openKv();"],
    ["gateway demo", 'import { Hono } from "hono";'],
    ["gateway demo", 'import { prometheus } from "@hono/prometheus";'],
    ["runtime tools demo", "Deno.serve(() => new Response());"],
    ["runtime", 'new Worker(new URL("./worker.ts", import.meta.url));'],
    ["runtime", 'Deno.addSignalListener("SIGTERM", stop);'],
    ["cli", "Deno.exit(0);"],
    ["cli", "await Deno.stdout.write(bytes);"],
    ["cli", 'console.log("done");'],
    ["config", 'Deno.env.get("HOME");'],
    ["config credentials runtime tools", 'await Deno.readTextFile("gateway.json");'],
  ];
  for (const [rooms, source] of table) {
    const allowed = ROOMS.filter((room) => lint(`src/${room}/file.ts`, source).length === 0);
    assert.deepEqual(allowed.toSorted(), rooms.split(" ").toSorted(), source);
  }
});
