/**
 * Explains a store's response to a search.
 */
import { LONG_CREDENTIAL_ADVICE, mayBeTooLong } from "../../upstream/long_credential.ts";
import { type Finding, finding } from "./finding.ts";

/** Meaning and advice by status. */
const REFUSALS: Readonly<Record<number, readonly [meaning: string, ...advice: string[]]>> = {
  400: [
    "rejects the search as malformed",
    "Check that Url is the base of the DICOMweb service, and Profile names the kind of store.",
  ],
  401: [
    "rejects the credential",
    "Compare issuer and audience of the token (`token` shows them) with what the store expects.",
    "Compare the clocks of this machine and the store.",
  ],
  403: [
    "accepts the credential but denies permission to search",
    "Grant the gateway's client a role at the store that may read DICOM studies.",
    "Check that the token has the scope that the store requires (`token` shows them).",
  ],
  404: [
    "has no DICOMweb service at this address",
    "Check the path of Url: studies are searched at Url followed by /studies.",
  ],
  405: ["does not permit a search at this address", "Check the path of Url."],
  406: ["cannot answer in DICOM JSON", "Check that Profile names the kind of store."],
  429: [
    "rejects the search because of too many requests",
    "Retry later; check whether something else uses the store.",
  ],
};

/** nginx answers 400 to a connection without the client certificate that it requires, or with a wrong one. */
const CERTIFICATE_REFUSALS: readonly (readonly [text: string, meaning: string, advice: string])[] =
  [
    [
      "No required SSL certificate was sent",
      "requires a client certificate",
      "Set ClientCertificate, with PresentTo Store or Both.",
    ],
    [
      "The SSL certificate error",
      "rejects the client certificate",
      "Set ClientCertificate to one of an authority that the store trusts.",
    ],
  ];

/** nginx and Apache answer 400 to a plain HTTP request at a TLS port. */
const TLS_ADVICE = "If the store's port expects TLS, start Url with https:// instead of http://.";

/** Explains a response, without content of its body. */
export function explainAnswer(address: string, answer: {
  readonly status: number;
  readonly contentType: string;
  /** The body; undefined if it is too long. */
  readonly text: string | undefined;
  /** Characters of the `Authorization` header. */
  readonly credentialLength: number;
  /** Whether `Url` starts with `http://`. */
  readonly isPlaintext: boolean;
}): Finding {
  const { status, contentType, text, credentialLength, isPlaintext } = answer;
  const details = { status, contentType };
  const failed = (state: string, advice: readonly string[]) =>
    finding("search", address, "failed", `The store ${state} (status ${status}).`, {
      advice,
      details,
    });
  if (status === 204) return found(0);
  if (status >= 200 && status < 300) {
    const count = countStudies(text);
    return count === undefined
      ? failed(`returned ${contentType || "a body without a media type"} instead of DICOM JSON`, [
        "Check the path of Url: this is usually a web page or another service.",
      ])
      : found(count);
  }
  const refusal = status === 400
    ? CERTIFICATE_REFUSALS.find(([words]) => text?.includes(words))
    : undefined;
  if (refusal !== undefined) return failed(refusal[1], [refusal[2]]);
  if (mayBeTooLong(status, credentialLength)) {
    return failed(
      `may limit request headers to less than the ${credentialLength} characters of the credential`,
      [...LONG_CREDENTIAL_ADVICE, ...REFUSALS[status]?.slice(1) ?? []],
    );
  }
  const [meaning, ...advice] = REFUSALS[status] ??
    (status >= 500
      ? ["reports an internal error", "Look in the store's own log, or contact its operator."]
      : ["rejects the search", "Look in the store's own log, or contact its operator."]);
  return failed(meaning!, status === 400 && isPlaintext ? [TLS_ADVICE, ...advice] : advice);

  function found(studies: number): Finding {
    const what = studies === 0 ? "no study yet" : "a study";
    return finding("search", address, "ok", `The store answers a search (${what}).`, {
      details: { ...details, studies },
    });
  }
}

function countStudies(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text.trim() === "") return 0;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.length : undefined;
  } catch {
    return undefined;
  }
}
