/** The OpenAPI document is valid and describes the paths and responses of a running gateway. */
import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { answerSchemas } from "../../../src/gateway/pages/answer_schemas.ts";
import { openApiDocument } from "../../../src/gateway/pages/openapi.ts";
import { PAGES } from "../../../src/gateway/pages.ts";
import { startGateway } from "../../fixtures/gateway_process.ts";
import { startTokenEndpoint } from "../../fixtures/token_endpoint.ts";
import { gatewayApp } from "../gateway_app.ts";

/** The part of the document that is tested. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, unknown>> }>
  >;
}

const document = openApiDocument("1.2.3", PAGES) as unknown as Document;
const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"];

Deno.test("OpenAPI: the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(openApiDocument("1.2.3", PAGES));
  assert(valid, JSON.stringify(errors));
  assert.equal(validator.version, "3.1");
});

Deno.test("OpenAPI: the gateway has every path and method of the document", async () => {
  const { ask } = gatewayApp({
    stores: new Map(),
    states: () => Promise.resolve({ states: [], silent: 0, faults: [] }),
    publicKeys: [{ kty: "EC" }],
  });
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((method) => Object.hasOwn(operations, method))) {
      const init = { method: method.toUpperCase() };
      const response = await ask(path.replaceAll(/\{\w+\}/g, "name"), init);
      const text = await response.text();
      assert.notEqual(response.status, 405, `${method} ${path}`);
      assert.doesNotMatch(text, /No such path/, `${method} ${path}`);
    }
  }
});

Deno.test("OpenAPI: responses of a running gateway have the documented status, type and shape", async () => {
  const endpoint = startTokenEndpoint();
  const store = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => Response.json([]),
  );
  {
    await using gateway = await startGateway({
      Servers: {
        main: { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ...endpoint.serverKeys },
      },
    });
    const ask = async (method: string, path: string) => {
      const response = await fetch(gateway.url + path, { method });
      return {
        status: response.status,
        type: response.headers.get("content-type") ?? "",
        body: await response.text(),
      };
    };
    await ask("GET", "/dicom-web/main/studies");
    const expectations: readonly [
      string,
      string,
      number,
      keyof typeof answerSchemas | undefined,
    ][] = [
      ["GET", "/", 200, undefined],
      ["GET", "/dicomweb-oauth/status", 200, "Status"],
      ["GET", "/dicomweb-oauth/servers", 200, "Servers"],
      ["POST", "/dicomweb-oauth/servers/main/test", 200, "Test"],
      ["DELETE", "/dicomweb-oauth/servers/main/token", 200, "Revocation"],
      ["GET", "/dicomweb-oauth/metrics", 200, undefined],
      ["GET", "/healthz", 200, "Health"],
      ["GET", "/readyz", 200, "Readiness"],
      ["GET", "/.well-known/jwks.json", 404, "Problem"],
      ["POST", "/dicomweb-oauth/servers/other/test", 404, "Problem"],
      ["DELETE", "/dicomweb-oauth/servers/main/token", 429, "Problem"],
    ];
    for (const [method, path, status, schema] of expectations) {
      const answer = await ask(method, path);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.body}`);
      if (schema !== undefined) {
        const { success, error } = answerSchemas[schema].safeParse(JSON.parse(answer.body));
        assert(success, `${method} ${path}: ${error?.message}`);
      }
      const template = path.replace(/\/servers\/\w+\//, "/servers/{name}/");
      const { responses } = document.paths[template]![method.toLowerCase()]!;
      const { content } = responses[status] ?? responses["default"]!;
      const [documented = ""] = Object.keys(content ?? {});
      assert(answer.type.startsWith(documented), `${method} ${path} is ${answer.type}`);
    }
    const served = await ask("GET", "/dicomweb-oauth/openapi.json");
    const { info, ...rest } = JSON.parse(served.body);
    const { info: _, ...expected } = openApiDocument(info.version, PAGES);
    assert.deepEqual(rest, JSON.parse(JSON.stringify(expected)));
  }
  await store.shutdown();
  await endpoint.close();
});
