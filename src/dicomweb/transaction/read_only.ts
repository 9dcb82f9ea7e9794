/**
 * Lists the transactions that change nothing at the store; unknown ones count as changing.
 *
 * @module
 */
import { type TransactionName, transactions } from "./transaction_catalogue.ts";

/** Read-only transactions of classes that also contain others. */
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

export function changesNothing(name: TransactionName): boolean {
  const kind = transactions[name];
  return kind === "query" || kind === "retrieve" || kind === "capabilities" || READS.has(name);
}
