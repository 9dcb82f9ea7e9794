/**
 * The outcome of an operator's button, on the status page.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { catalogue, type ErrorCode } from "../../errors/catalogue.ts";
import { DocumentLink, ErrorCodeLink } from "./document_link.tsx";

/** The outcome of an operator's button. */
export interface Notice {
  readonly did: "test" | "drop";
  readonly server: string;
  /** The status that the store answered, `done` for a revocation, `stale` for an old form, or the error. */
  readonly outcome: number | "done" | ErrorCode | "stale";
  readonly tookMs: number;
}

export function NoticeLine({ notice }: { readonly notice: Notice }): JSX.Element {
  const { outcome } = notice;
  const isGood = outcome === "done" || (typeof outcome === "number" && outcome < 400);
  return (
    <p class={`notice ${isGood ? "ok" : "bad"}`}>
      {isGood ? "✓" : "✕"} <NoticeText notice={notice} />
    </p>
  );
}

function NoticeText({ notice: { did, server, outcome, tookMs } }: { readonly notice: Notice }) {
  if (outcome === "done") {
    return <>The token of {server} is revoked. The next request fetches a new one.</>;
  }
  if (outcome === "stale") {
    return (
      <>
        Nothing was done: the page was too old, or from another gateway. Press the button again.
      </>
    );
  }
  if (typeof outcome === "number") {
    return (
      <>
        Test of {server}: a credential was acquired and the store answered {outcome} in {tookMs} ms.
        {outcome >= 400 && (
          <>
            {" "}
            See <DocumentLink path="troubleshooting.md" />.
          </>
        )}
      </>
    );
  }
  return (
    <>
      {did === "test" ? "Test of" : "Revoking the token of"} {server}: {outcome},{" "}
      {catalogue[outcome].title}. The advice is shown with the server and in{" "}
      <ErrorCodeLink code={outcome} />.
    </>
  );
}
