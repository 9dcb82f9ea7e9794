/**
 * API keys with one right each, and targets that look harmless but may mean something else to a store: as
 * bytes on connections to the real gateway, with a store that counts what reaches it.
 */
import assert from "node:assert/strict";
import {
  type TransactionClass,
  transactions,
} from "../../src/dicomweb/transaction/transaction_catalogue.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { startRawOrigin } from "../fixtures/raw_origin.ts";

const RIGHTS: readonly TransactionClass[] = [...new Set(Object.values(transactions))];
type Needs = TransactionClass | "refused";

const WADO = "requestType=WADO&studyUID=1.2&seriesUID=3.4&objectUID=5.6";
const INSTANCE = "/studies/1.2/series/3.4/instances/5.6";
const BULK = `${INSTANCE}/bulkdata`;
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const WEB_SOCKET = {
  "connection": "Upgrade",
  "upgrade": "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

/** A request, the one right that permits it, and how a store may interpret it. */
const REQUESTS: readonly (readonly [
  method: string,
  target: string,
  needs: Needs,
  why: string,
  headers?: Readonly<Record<string, string>>,
])[] = [
  ["GET", "/studies?PatientID=1", "query", "a search"],
  ["GET", "/studies/1.2", "retrieve", "a retrieval"],
  ["GET", `/wado?${WADO}`, "retrieve", "WADO-URI at its own path"],
  ["GET", `?${WADO}`, "retrieve", "WADO-URI at the base URL"],
  ["GET", `${BULK}/00081110/0/00091010`, "retrieve", "bulk data"],
  ["GET", `${INSTANCE}/bulk/00091010`, "retrieve", "bulk data of Orthanc"],
  ["POST", "/studies", "store", "storing"],
  ["DELETE", "/studies/1.2", "delete", "deletion"],
  ["GET", "/workitems?PatientID=1", "worklist", "a worklist"],
  ["GET", "/extendedquerytags/00101010", "vendor", "an extended query tag"],
  ["DELETE", "/extendedquerytags/PatientAge", "vendor", "an extended query tag"],
  ["GET", "/operations/1323c079a1b6", "vendor", "an operation"],
  ["GET", "/partitions/ward/changefeed", "vendor", "the change feed"],
  ["GET", "/studies/1.2:getStudyMetrics", "vendor", "a method of Google"],
  ["OPTIONS", "/", "capabilities", "capabilities"],
  ["GET", "/servers", "unknown", "Orthanc's list of servers"],
  ["POST", "/studies/1.2/reject/113001%5EDCM", "delete", "dcm4chee deletes"],
  ["POST", "/studies/1.2/reject/113001^DCM", "delete", "the same, not encoded"],

  ["GET", `/admin?${WADO}`, "unknown", "a page of the store's own"],
  ["GET", `/servers?${WADO}`, "unknown", "Orthanc's list of servers"],
  ["GET", `/Workitems?${WADO}`, "unknown", "ASP.NET ignores case: a worklist"],
  ["GET", `/studies/1.2/reject?${WADO}`, "unknown", "an operation of dcm4chee"],
  ["GET", `/WADO?${WADO}`, "unknown", "another path if case matters"],
  ["GET", `/wado/purge?${WADO}`, "unknown", "something below WADO-URI"],
  ["GET", `/partitions/ward?${WADO}`, "unknown", "a partition"],
  ["GET", "/wado?requestType=WADO", "unknown", "no object"],
  ["GET", `/wado?${WADO}&objectUID=7.8`, "unknown", "another object than recorded"],
  ["GET", `/wado?${WADO}&OBJECTUID=7.8`, "unknown", "the same if case is ignored"],
  ["GET", `/wado?${WADO}&requestType=purge`, "unknown", "another type of request"],
  ["GET", `/wado?${WADO}&_method=DELETE`, "unknown", "deletion"],
  ["DELETE", `/wado?${WADO}`, "unknown", "deletion"],

  ["GET", `${BULK}/..;/..;/..;/..;/..;/..;/..;/workitems`, "refused", "Tomcat: the worklist"],
  ["GET", `${BULK}/..%3b/x`, "refused", "the same, encoded"],
  ["GET", `${BULK}/..%253b/x`, "refused", "the same, encoded twice"],
  ["GET", `${BULK}/.;/x`, "refused", "a dot segment with parameters"],
  ["GET", `${BULK}/;/x`, "refused", "a segment of parameters alone"],
  ["GET", `${BULK}/%2e%2e/x`, "refused", "encoded dots"],
  ["GET", `${BULK}/%252e%252e/x`, "refused", "encoded twice"],
  ["GET", `${BULK}/%25%32%65%25%32%65/x`, "refused", "encoded twice, in pieces"],
  ["GET", `${BULK}/..%2fx`, "refused", "an encoded slash"],
  ["GET", `${BULK}/..%5cx`, "refused", "an encoded backslash"],
  ["GET", `${BULK}/..%c0%afx`, "refused", "an overlong slash"],
  ["GET", `${BULK}/a%00.jpg`, "refused", "the end of a C string"],
  ["GET", `${BULK}/%EF%BC%8E%EF%BC%8E/x`, "refused", "full-width dots"],
  ["GET", `${BULK}/a%EF%BC%8Fb`, "refused", "a full-width slash"],
  ["GET", `${BULK}/%E2%80%A5/x`, "refused", "a two-dot leader"],
  ["GET", `${BULK}/%E2%80%A6/x`, "refused", "an ellipsis"],
  ["GET", `${BULK}/..%C2%AD/x`, "refused", "a soft hyphen behind dots"],
  ["GET", `${BULK}/..%20/x`, "refused", "a blank behind dots"],
  ["GET", `${BULK}/.../x`, "refused", "dots that Windows drops"],
  ["GET", `${BULK}/a%E2%88%95b`, "refused", "a division slash"],
  ["GET", `${BULK}/a;_method=DELETE`, "unknown", "path parameters"],
  ["GET", `${BULK}/%E6%96%87`, "unknown", "non-ASCII characters"],
  ["GET", `${BULK}/a%3f_method=DELETE`, "unknown", "a query after decoding by a proxy"],
  ["GET", `${BULK}/a%23b`, "unknown", "a fragment after decoding"],
  ["GET", `${BULK}${"/0".repeat(40)}`, "unknown", "an overlong path"],
  ["GET", `${BULK}?_method=DELETE`, "unknown", "deletion"],

  ["DELETE", "/extendedquerytags/..;/studies/1.2.3", "refused", "Tomcat: deletion"],
  ["DELETE", "/extendedquerytags/%2e%2e/studies/1.2.3", "refused", "deletion"],
  ["DELETE", "/extendedquerytags/x/studies/1.2.3", "unknown", "something below a tag"],
  ["DELETE", "/extendedquerytags/a;b", "unknown", "path parameters"],
  ["DELETE", "/extendedquerytags", "unknown", "all tags"],
  ["PUT", "/extendedquerytags/PatientAge", "unknown", "a method that Azure does not have"],
  ["GET", "/extendedquerytags/PatientAge/purge", "unknown", "something below a tag"],
  ["GET", "/operations/..;/studies", "refused", "Tomcat: a search"],
  ["GET", "/operations/a;b", "unknown", "path parameters"],
  ["GET", "/partitions/..;/studies", "refused", "Tomcat: outside the partition"],
  ["GET", "/partitions/a;b/studies", "unknown", "path parameters"],
  ["POST", "/workitems/1.2/subscribers/..;", "refused", "Tomcat: the workitem"],
  ["DELETE", "/workitems/1.2/subscribers/A;b", "unknown", "path parameters"],
  ["PUT", "/workitems/1.2/state/A%3fb", "unknown", "a query after decoding by a proxy"],

  ["GET", "/studies/1.2;_method=DELETE", "unknown", "path parameters"],
  ["GET", "/studies/1.2%3b_method=DELETE", "unknown", "the same, encoded"],
  ["GET", "/studies/1..", "unknown", "no UID"],
  ["GET", "/studies/%EF%BC%91.2", "unknown", "a full-width digit"],
  ["GET", "/studies/1.2:purge", "unknown", "an unknown method of Google"],
  ["GET", "/studies/1.2:getStudyMetrics:purge", "unknown", "two methods of Google"],
  ["GET", "/Studies/1.2", "unknown", "another path if case matters"],

  ["GET", "/studies?_method=DELETE", "unknown", "Rails, Laravel"],
  ["GET", "/studies/1.2?_method%5B%5D=DELETE", "unknown", "PHP"],
  ["GET", "/studies/1.2?_method%00=DELETE", "unknown", "PHP"],
  ["GET", "/studies/1.2?%255fmethod=DELETE", "unknown", "decoded twice"],
  ["GET", "/studies/1.2?X-HTTP-Method-Override=DELETE", "unknown", "Google Data APIs"],
  ["GET", "/studies/1.2?x_http_method=DELETE", "unknown", "OData, other spelling"],
  ["POST", "/studies/1.2?$httpMethod=DELETE", "unknown", "Google"],
  [
    "POST",
    "/studies/1.2?$httpHeaders=X-HTTP-Method-Override%3ADELETE",
    "unknown",
    "Google",
  ],
  ["POST", "/studies/1.2?a=b;_method=DELETE", "unknown", "`;` between parameters"],
  ["OPTIONS", "/studies/1.2?_method=DELETE", "unknown", "deletion"],
  ["POST", "/studies/1.2", "unknown", "Rails and Spring take `_method` from forms", FORM],
  ["PUT", "/workitems/1.2/state", "unknown", "the same", FORM],

  ...["/studies", "/studies/1.2", `/wado?${WADO}`, "/workitems", "/changefeed", "/subscribers/A/B"]
    .map((target) => ["GET", target, "unknown", "arbitrary messages", WEB_SOCKET] as const),
  ["GET", "/subscribers/VIEWER", "worklist", "the notification channel", WEB_SOCKET],
  ["GET", "", "worklist", "the notification channel", WEB_SOCKET],
];

const keyOf = (right: string) => right.padEnd(43, "-");

Deno.test("hostile permissions: a right permits what the store takes for it, and nothing else", async (t) => {
  let seen = 0;
  const origin = startRawOrigin(async (exchange) => {
    seen++;
    await Array.fromAsync(exchange.body());
    await exchange.answer(404, "");
  });
  const gateway = await startGateway({
    Authentication: {
      ApiKeys: {
        Header: "X-API-Key",
        Keys: Object.fromEntries(
          RIGHTS.map((right) => [right, `sha256:${sha256(keyOf(right))}`]),
        ),
      },
    },
    Permissions: RIGHTS.map((right) => ({ Subjects: [`key:${right}`], Transactions: [right] })),
    Servers: {
      main: { Url: `${origin.url}/dicom-web`, ProviderType: "none" },
      safe: { Url: `${origin.url}/dicom-web`, ProviderType: "none", ReadOnly: true },
    },
  });
  const send = async (
    server: string,
    right: string,
    [method, target, , , headers = {}]: typeof REQUESTS[number],
  ) => {
    using client = await RawClient.connect(gateway.url);
    const before = seen;
    await client.write(
      client.head(method, `/dicom-web/${server}${target}`, {
        "x-api-key": keyOf(right),
        ...(method !== "GET" && { "content-length": "0" }),
        ...headers,
      }),
    );
    const { status } = await client.answer();
    return [status, seen - before];
  };
  for (const request of REQUESTS) {
    const [method, target, needs, why] = request;
    const what = `${method} ${target.slice(0, 60)}${
      request[4] === WEB_SOCKET ? " (WebSocket)" : ""
    }`;
    await t.step(`${what} needs ${needs}: ${why}`, async () => {
      for (const right of RIGHTS) {
        const [status, arrived] = await send("main", right, request);
        const mayPass = right === needs;
        assert.equal(arrived, mayPass ? 1 : 0, `with ${right}: ${status}`);
        if (!mayPass) assert.ok(status === 403 || (needs === "refused" && status === 400));
      }
      if (needs === "unknown") {
        const [status, arrived] = await send("safe", "unknown", request);
        assert.deepEqual([status, arrived], [403, 0], "at a read-only server");
      }
    });
  }
  await gateway.stop();
  await origin.close();
});
