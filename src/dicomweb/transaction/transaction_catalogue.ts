/**
 * All known transactions, those of PS3.18 and of vendors, and what a request's path identifies.
 */

/** Permissions are granted by class. */
export type TransactionClass =
  | "query"
  | "retrieve"
  | "store"
  | "delete"
  | "worklist"
  | "vendor"
  | "capabilities"
  | "unknown";

export const transactions = {
  "search-studies": "query",
  "search-series": "query",
  "search-instances": "query",
  "retrieve-study": "retrieve",
  "retrieve-series": "retrieve",
  "retrieve-instance": "retrieve",
  "retrieve-frames": "retrieve",
  "retrieve-metadata": "retrieve",
  "retrieve-bulkdata": "retrieve",
  "retrieve-pixeldata": "retrieve",
  "retrieve-rendered": "retrieve",
  "retrieve-rendered-volume": "retrieve",
  "retrieve-thumbnail": "retrieve",
  "wado-uri": "retrieve",
  "store": "store",
  "store-or-replace": "store",
  "replace-instance": "store",
  "request-commitment": "store",
  "check-commitment": "store",
  "delete-study": "delete",
  "delete-series": "delete",
  "delete-instance": "delete",
  "dcm4chee-reject": "delete",
  "search-non-patient-instances": "query",
  "retrieve-non-patient-instance": "retrieve",
  "store-non-patient-instances": "store",
  "create-workitem": "worklist",
  "search-workitems": "worklist",
  "retrieve-workitem": "worklist",
  "update-workitem": "worklist",
  "change-workitem-state": "worklist",
  "request-workitem-cancellation": "worklist",
  "subscribe-workitem": "worklist",
  "unsubscribe-workitem": "worklist",
  "suspend-subscription": "worklist",
  "open-notification-channel": "worklist",
  "search-scheduled-procedure-steps": "worklist",
  "create-performed-procedure-step": "worklist",
  "update-performed-procedure-step": "worklist",
  "retrieve-performed-procedure-step": "worklist",
  "retrieve-capabilities": "capabilities",
  "azure-read-change-feed": "vendor",
  "azure-read-query-tags": "vendor",
  "azure-change-query-tags": "vendor",
  "azure-read-operation": "vendor",
  "azure-list-partitions": "vendor",
  "azure-export": "vendor",
  "azure-bulk-update": "vendor",
  "google-read-storage-info": "vendor",
  "google-change-storage": "vendor",
  "google-update-metadata": "vendor",
  "unknown": "unknown",
} as const satisfies Record<string, TransactionClass>;

export type TransactionName = keyof typeof transactions;

/** A transaction's name and what its target identifies. */
export interface Resource {
  readonly name: TransactionName;
  readonly study?: string | undefined;
  readonly series?: string | undefined;
  readonly instance?: string | undefined;
  readonly frames?: readonly number[] | undefined;
}

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

/** Whether a transaction changes nothing at the store; unknown ones count as changing. */
export function changesNothing(name: TransactionName): boolean {
  const kind = transactions[name];
  return kind === "query" || kind === "retrieve" || kind === "capabilities" || READS.has(name);
}
