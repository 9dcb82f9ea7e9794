/**
 * Explains what is wrong with a server's certificate, or how long it is still valid.
 */
import { WARN_BELOW_DAYS } from "../../config/values/certificate_expiry.ts";
import type { TlsFault } from "../../network/tls_fault.ts";
import type { CertificateFacts, TlsFacts } from "../../network/tls_probe.ts";
import { type Finding, finding } from "./finding.ts";

const DAY_MS = 86_400_000;

export interface CertificateExamination {
  /** `host:port`. */
  readonly address: string;
  readonly host: string;
  readonly what: "store" | "identity provider";
  /** The configuration key for further certificate authorities. */
  readonly caKey: string;
  /** Why the gateway rejects it. */
  readonly fault: TlsFault | undefined;
}

/** Judges by the gateway's own verifier, and takes names and dates from the certificates. */
export function explainCertificate(
  facts: TlsFacts,
  { address, host, what, caKey, fault }: CertificateExamination,
  nowMs: number,
): Finding {
  const { chain } = facts;
  const [leaf] = chain;
  const daysLeft = leaf && Math.floor((leaf.validToMs - nowMs) / DAY_MS);
  const details = {
    protocol: facts.protocol,
    fault: fault?.kind ?? null,
    daysLeft,
    chain: json(chain),
  };
  const failed = (message: string, ...advice: string[]) =>
    finding("certificate", address, "failed", message, { code: "NET-003", advice, details });
  const renew = `Ask the operator of ${host} to renew it.`;
  if (leaf === undefined) return failed(`The ${what} presented no certificate.`, renew);
  const stale = fault?.kind !== "expired" && fault?.kind !== "not yet valid"
    ? undefined
    : withoutRoot(chain).find(({ validFromMs, validToMs }) =>
      validToMs <= nowMs || validFromMs > nowMs
    );
  if (stale !== undefined) {
    const whose = stale === leaf
      ? `The ${what}'s certificate`
      : `"${stale.subject}", which signed it,`;
    if (stale.validToMs <= nowMs) {
      return failed(`${whose} expired on ${day(stale.validToMs)}.`, renew);
    }
    return failed(
      `${whose} is only valid from ${day(stale.validFromMs)}, and this machine's clock says ` +
        `${day(nowMs)}.`,
      "Check the date of this machine.",
      `If it is correct, contact the operator of ${host}.`,
    );
  }
  if (fault?.kind === "unknown authority") {
    const itself = leaf.subject === leaf.issuer && chain.length === 1;
    const signer = chain.at(-1)?.issuer ?? leaf.issuer;
    const missing = itself ? "the server" : `"${signer}"`;
    return failed(
      itself
        ? `The ${what}'s certificate is self-signed ("${leaf.subject}") and not trusted.`
        : `The ${what}'s certificate is signed by "${signer}", which this machine does not trust.`,
      `Get the certificate of ${missing} as a PEM file from the operator of ${host}, not from the ` +
        `connection, and write its path under ${caKey}.`,
      ...fault.advice.slice(1).map((advice) => `${advice}.`),
      "If your firewall intercepts TLS, use the certificate authority of the firewall.",
    );
  }
  if (fault !== undefined) return failed(...faultSentences(fault, what));
  const until = `The certificate is trusted; it is valid until ${day(leaf.validToMs)} ` +
    `(${daysLeft} ${daysLeft === 1 ? "day" : "days"} left), signed by "${leaf.issuer}".`;
  if (daysLeft! >= WARN_BELOW_DAYS) {
    return finding("certificate", address, "ok", until, { details });
  }
  return finding("certificate", address, "warn", until, { advice: [renew], details });
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** A root is trusted because it is known, whatever its dates. */
function withoutRoot(chain: readonly CertificateFacts[]): readonly CertificateFacts[] {
  return chain.filter((each, index) => index === 0 || each.subject !== each.issuer);
}

function json(chain: readonly CertificateFacts[]): unknown[] {
  return chain.map(({ subject, issuer, names, validFromMs, validToMs }) => ({
    subject,
    issuer,
    names,
    validFrom: new Date(validFromMs).toISOString(),
    validTo: new Date(validToMs).toISOString(),
  }));
}

/** The gateway's error as sentences. */
export function faultSentences(
  { state, advice }: TlsFault,
  what: CertificateExamination["what"],
): readonly [message: string, ...advice: string[]] {
  return [
    `The gateway cannot connect to the ${what}: ${state}.`,
    ...advice.map((each) => `${each}.`),
  ];
}
