import assert from "node:assert/strict";
import { changesNothing, overridesMethod } from "../../src/dicomweb/read_only.ts";
import { type TransactionName, transactions } from "../../src/dicomweb/transaction.ts";

/** All transactions that change nothing; a new one is not among them before someone says so. */
const READS: readonly TransactionName[] = [
  "search-studies",
  "search-series",
  "search-instances",
  "retrieve-study",
  "retrieve-series",
  "retrieve-instance",
  "retrieve-frames",
  "retrieve-metadata",
  "retrieve-bulkdata",
  "retrieve-pixeldata",
  "retrieve-rendered",
  "retrieve-rendered-volume",
  "retrieve-thumbnail",
  "wado-uri",
  "check-commitment",
  "search-non-patient-instances",
  "retrieve-non-patient-instance",
  "search-workitems",
  "retrieve-workitem",
  "search-scheduled-procedure-steps",
  "retrieve-performed-procedure-step",
  "retrieve-capabilities",
  "azure-read-change-feed",
  "azure-read-query-tags",
  "azure-read-operation",
  "azure-list-partitions",
  "google-read-storage-info",
];

Deno.test("changesNothing: exactly the transactions that only read", () => {
  const names = Object.keys(transactions) as TransactionName[];
  assert.deepEqual(names.filter(changesNothing).toSorted(), READS.toSorted());
});

/** Query → whether a store could take the request for one of another method. */
const queries: readonly [query: string, overrides: boolean][] = [
  ["", false],
  ["PatientID=1&limit=5", false],
  ["%24httpMethod=DELETE", true],
  ["$httpMethod=DELETE", true],
  ["limit=1&%24http%4Dethod=DELETE", true],
  ["_method=delete", true],
  ["_METHOD=delete", true],
  ["_%6dethod=delete", true],
  ["X-HTTP-Method=PUT", true],
  ["ContrastBolusAgent=method", false],
];

for (const [query, overrides] of queries) {
  Deno.test(`overridesMethod: ${query || "nothing"} ${overrides ? "could" : "could not"}`, () => {
    assert.equal(overridesMethod(query), overrides);
  });
}
