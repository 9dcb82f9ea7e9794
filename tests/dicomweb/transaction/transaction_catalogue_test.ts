import assert from "node:assert/strict";
import {
  changesNothing,
  type TransactionName,
  transactions,
} from "../../../src/dicomweb/transaction/transaction_catalogue.ts";

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
