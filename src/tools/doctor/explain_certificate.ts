/**
 * Explains what is wrong with a server's certificate, or how long it is still valid.
 */
import { WARN_BELOW_DAYS } from "../../config/values/certificate_expiry.ts";
import type { CertificateFacts, TlsFacts } from "../../network/tls_probe.ts";
import { type Finding, finding } from "./finding.ts";

const DAY_MS = 86_400_000;

export function explainCertificate(
  facts: TlsFacts,
  { address, host, what, caKey }: {
    /** `host:port`. */
    readonly address: string;
    readonly host: string;
    readonly what: "store" | "identity provider";
    /** The configuration key for further certificate authorities. */
    readonly caKey: string;
  },
  nowMs: number,
): Finding {
  const { chain, fault, trusted } = facts;
  const [leaf] = chain;
  const daysLeft = leaf && Math.floor((leaf.validToMs - nowMs) / DAY_MS);
  const details = { protocol: facts.protocol, fault: fault ?? null, daysLeft, chain: json(chain) };
  const failed = (message: string, ...advice: string[]) =>
    finding("certificate", address, "failed", message, { code: "NET-003", advice, details });
  const renew = `Ask the operator of ${host} to renew it.`;
  if (leaf === undefined) return failed(`The ${what} presented no certificate.`, renew);
  for (const each of trusted ? [leaf] : withoutRoot(chain)) {
    const whose = each === leaf
      ? `The ${what}'s certificate`
      : `"${each.subject}", which signed it,`;
    if (each.validToMs <= nowMs) {
      return failed(`${whose} expired on ${day(each.validToMs)}.`, renew);
    }
    if (each.validFromMs > nowMs) {
      return failed(
        `${whose} is only valid from ${day(each.validFromMs)}, and this machine's clock says ` +
          `${day(nowMs)}.`,
        "Check the date of this machine.",
        `If it is correct, contact the operator of ${host}.`,
      );
    }
  }
  if (fault === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = leaf.names.length > 0 ? leaf.names.join(", ") : "no host at all";
    return failed(
      `The ${what}'s certificate is for ${names}, not for ${host}.`,
      `If one of these is the correct name, use it in the URL instead of ${host}.`,
      `Otherwise ask the operator of ${host} for a certificate with this name.`,
    );
  }
  if (!trusted) {
    const itself = leaf.subject === leaf.issuer && chain.length === 1;
    const signer = chain.at(-1)?.issuer ?? leaf.issuer;
    const missing = itself ? "the server" : `"${signer}"`;
    return failed(
      itself
        ? `The ${what}'s certificate is self-signed ("${leaf.subject}") and not trusted.`
        : `The ${what}'s certificate is signed by "${signer}", which this machine does not trust.`,
      `Get the certificate of ${missing} as a PEM file from the operator of ${host}, not from the ` +
        `connection, and write its path under ${caKey}.`,
      "If your firewall intercepts TLS, use the certificate authority of the firewall.",
    );
  }
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
