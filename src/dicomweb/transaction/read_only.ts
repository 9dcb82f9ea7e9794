/**
 * Tells which transactions change nothing at the store. Where it is not known, they count as changing.
 *
 * @module
 */
import { type TransactionName, transactions } from "./transaction_catalogue.ts";

/** Transactions outside the classes that only read. */
const READS: ReadonlySet<string> = new Set<TransactionName>([
  "check-commitment",
  "search-workitems",
  "retrieve-workitem",
  "search-scheduled-procedure-steps",
  "retrieve-performed-procedure-step",
  "azure-read-change-feed",
  "azure-read-query-tags",
  "azure-read-operation",
  "azure-list-partitions",
  "google-read-storage-info",
]);

/**
 * Whether a transaction changes nothing.
 *
 * @example
 * ```ts
 * import { changesNothing } from "./read_only.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(changesNothing("retrieve-study"), true);
 * assert.equal(changesNothing("unknown"), false);
 * ```
 */
export function changesNothing(name: TransactionName): boolean {
  const kind = transactions[name];
  return kind === "query" || kind === "retrieve" || kind === "capabilities" || READS.has(name);
}
