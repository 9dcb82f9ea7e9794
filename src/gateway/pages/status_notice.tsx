/**
 * What an operator's button on the status page has brought about.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { catalogue, type ErrorCode } from "../../errors/catalogue.ts";

/** What an operator's button has brought about. */
export interface Notice {
  readonly did: "test" | "drop";
  readonly server: string;
  /** What the store answered, that the token was dropped, or why it failed. */
  readonly outcome: number | "done" | ErrorCode | "stale";
  readonly tookMs: number;
}

/** What an operator's button has brought about, as a line. */
export function NoticeLine(
  { notice: { did, server, outcome, tookMs } }: { readonly notice: Notice },
): JSX.Element {
  if (outcome === "done") {
    return (
      <p class="notice ok">
        ✓ The token of {server} is revoked. The next request fetches a new one.
      </p>
    );
  }
  if (outcome === "stale") {
    return (
      <p class="notice bad">
        ✕ Nothing was done: the page was too old, or from another gateway. Press the button again.
      </p>
    );
  }
  if (typeof outcome === "number") {
    const isGood = outcome < 400;
    return (
      <p class={`notice ${isGood ? "ok" : "bad"}`}>
        {isGood ? "✓" : "✕"} Test of {server}: a credential was acquired and the store answered{" "}
        {outcome} in {tookMs} ms.
        {!isGood && " See docs/troubleshooting.md."}
      </p>
    );
  }
  return (
    <p class="notice bad">
      ✕ {did === "test" ? "Test of" : "Revoking the token of"} {server}: {outcome},{" "}
      {catalogue[outcome].title}. The advice is shown with the server and in{" "}
      <code>docs/error-codes.md</code>.
    </p>
  );
}
