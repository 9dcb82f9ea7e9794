/**
 * Names the transactions of PS3.18's services beside the Studies Service: worklist (chapter 11),
 * non-patient instances (12), storage commitment (13) and procedure steps (14 and 15).
 *
 * @module
 */
import { isAeTitle, isUid } from "./identifiers.ts";
import type { PathRequest, Resource, TransactionName } from "./transaction_catalogue.ts";

/** The two worklists that can be subscribed to (PS3.18, table 11.10.1-1). */
const WORKLIST = /^1\.2\.840\.10008\.5\.1\.4\.34\.5(?:\.1)?$/;

/** Resources of the Non-Patient Instance Service (PS3.18, table 12.1.1-1). */
const NON_PATIENT = new Set([
  "color-palettes",
  "defined-procedure-protocols",
  "hanging-protocols",
  "implant-templates",
  "inventories",
]);

/**
 * Names the transaction of a WebSocket handshake: event reports are opened at the base URL (PS3.18,
 * section 8.10.4) or below `subscribers` (2019a, section 6.9.10); undefined elsewhere.
 */
export function webSocketTransaction({ segments, start }: PathRequest): Resource | undefined {
  const [service, subscriber, more] = segments.slice(start);
  const isChannel = service === undefined ||
    (service === "subscribers" && isAeTitle(subscriber) && more === undefined);
  return isChannel ? { name: "open-notification-channel" } : undefined;
}

/** Names the transaction of a request that is not below `/studies`; undefined if it is unknown. */
export function worklistTransaction(request: PathRequest): Resource | undefined {
  const name = transactionName(request);
  return name && { name };
}

function transactionName(request: PathRequest): TransactionName | undefined {
  const { method, segments, start, query } = request;
  const [service, uid] = [segments[start], segments[start + 1]];
  const rest = segments.length - start - 1;
  switch (service) {
    case undefined:
      return undefined;
    case "workitems":
      return workitemTransaction(request, rest);
    case "commitment-requests":
      if (rest !== 1 || !isUid(uid)) return undefined;
      return byMethod(method, { POST: "request-commitment", GET: "check-commitment" });
    case "modality-scheduled-procedure-steps":
      return rest === 0 && method === "GET" ? "search-scheduled-procedure-steps" : undefined;
    case "modality-performed-procedure-steps":
      if (rest !== 1 || !isUid(uid)) return undefined;
      return byMethod(method, {
        POST: /(?:^|&)update(?:=|&|$)/.test(query)
          ? "update-performed-procedure-step"
          : "create-performed-procedure-step",
        GET: "retrieve-performed-procedure-step",
      });
  }
  return NON_PATIENT.has(service) ? nonPatientTransaction(method, rest, uid) : undefined;
}

function nonPatientTransaction(
  method: string,
  rest: number,
  uid: string | undefined,
): TransactionName | undefined {
  if (rest > 1 || (rest === 1 && !isUid(uid))) return undefined;
  return byMethod(method, {
    GET: rest === 0 ? "search-non-patient-instances" : "retrieve-non-patient-instance",
    POST: "store-non-patient-instances",
  });
}

function workitemTransaction(
  { method, segments, start }: PathRequest,
  rest: number,
): TransactionName | undefined {
  if (rest === 0) {
    return byMethod(method, { POST: "create-workitem", GET: "search-workitems" });
  }
  const [uid, part, requester, suspend] = segments.slice(start + 1);
  if (!isUid(uid)) return undefined;
  const mayRequest = rest === 2 || (rest === 3 && isAeTitle(requester));
  if (rest === 1) return byMethod(method, { POST: "update-workitem", GET: "retrieve-workitem" });
  switch (part) {
    // At dcm4chee the requester's AE title follows.
    case "state":
      return mayRequest && method === "PUT" ? "change-workitem-state" : undefined;
    case "cancelrequest":
      return mayRequest && method === "POST" ? "request-workitem-cancellation" : undefined;
    case "subscribers":
      if (!isAeTitle(requester)) return undefined;
      if (rest === 3) {
        return byMethod(method, { POST: "subscribe-workitem", DELETE: "unsubscribe-workitem" });
      }
      return rest === 4 && suspend === "suspend" && method === "POST" && WORKLIST.test(uid)
        ? "suspend-subscription"
        : undefined;
  }
  return undefined;
}

function byMethod(
  method: string,
  names: Readonly<Record<string, TransactionName>>,
): TransactionName | undefined {
  return Object.hasOwn(names, method) ? names[method] : undefined;
}
