/**
 * The transfers in progress, on the status page.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { TransferReport } from "../account/gateway_state.ts";
import { HeaderRow } from "./status_servers.tsx";
import { bytes, span } from "./status_text.ts";

export function Transfers(
  { transfers, nowMs }: { readonly transfers: readonly TransferReport[]; readonly nowMs: number },
): JSX.Element {
  return (
    <div class="panel">
      <table role="table" class="transfers" aria-labelledby="transfers">
        <HeaderRow titles={["Server", "What", "State", "For", "Size"]} />
        <tbody role="rowgroup">
          {transfers.map((transfer) => (
            <tr role="row">
              <th role="rowheader" scope="row" class="name">{transfer.server}</th>
              <td role="cell" data-label="What">
                {transfer.transaction.replaceAll("-", " ")}{" "}
                <span class="muted small">{transfer.method}</span>
              </td>
              <td role="cell" data-label="State">
                {transfer.isAnswering ? "receiving the response" : "waiting for the store"}
              </td>
              <td role="cell" data-label="For" class="num">
                {span(Math.max(0, nowMs - transfer.startedMs) / 1000)}
              </td>
              <td role="cell" data-label="Size" class="num">{sizeText(transfer, nowMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The size, and the average rate if the bytes are counted. */
function sizeText(
  { requestBytes, answerBytes, isAnswering, fromClient, fromStore, startedMs }: TransferReport,
  nowMs: number,
): string {
  const passed = isAnswering ? fromStore : fromClient;
  if (passed !== undefined) {
    const whole = isAnswering ? answerBytes : requestBytes;
    const rate = passed / Math.max(1, (nowMs - startedMs) / 1000);
    return `${bytes(passed)}${whole === undefined ? "" : ` of ${bytes(whole)}`}, ${bytes(rate)}/s`;
  }
  const sent = requestBytes === 0
    ? []
    : [requestBytes === undefined ? "unknown size, sent" : `${bytes(requestBytes)} to send`];
  const got = isAnswering
    ? [answerBytes === undefined ? "unknown size" : `${bytes(answerBytes)} to get`]
    : [];
  return [...sent, ...got].join(", ") || "–";
}
