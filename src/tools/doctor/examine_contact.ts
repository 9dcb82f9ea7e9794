/**
 * Examines the connection to one host: its name, the TCP connection or the proxy's tunnel, and its
 * certificate.
 *
 * @module
 */
import type { ServerConfig } from "../../config/keys/server.ts";
import type { Contact } from "../../config/sandbox/contacts.ts";
import type { ProxyConfig } from "../../config/keys/proxy.ts";
import {
  openConnection,
  openTunnel,
  type ProxyEndpoint,
  resolveName,
} from "../../network/connection_probe.ts";
import { isIpAddress } from "../../network/ip_networks.ts";
import { probeTls, type TlsProbeOptions } from "../../network/tls_probe.ts";
import { reasonOf } from "../../errors/reason.ts";
import { type Finding, finding } from "./finding.ts";
import { explainCertificate } from "./explain_certificate.ts";

/** Limit of each step. */
const STEP_TIMEOUT_MS = 5_000;

/** How the gateway connects to a host. */
export interface ConnectionSettings {
  readonly proxy: ProxyConfig | undefined;
  readonly tls: ServerConfig["tls"];
  /** The configuration key for further certificate authorities. */
  readonly caKey: string;
  readonly now: () => number;
}

type Socket = TlsProbeOptions["socket"];

/** Examines the connection to a host, step by step up to the first failure. */
export async function examineContact(
  contact: Contact,
  settings: ConnectionSettings,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const { address, tls } = contact;
  const proxy = contact.proxied ? settings.proxy : undefined;
  if (proxy !== undefined && !tls) {
    const message = "Not tested: plain HTTP goes through the proxy without a tunnel.";
    return [finding("connection", address, "skipped", message)];
  }
  let socket: Socket | undefined;
  if (proxy === undefined) {
    findings.push(await examineName(contact));
    if (findings[0]!.outcome !== "failed") socket = await connectTo(contact, findings);
    else findings.push(skipped("connection", address, "the name was not resolved"));
  } else {
    socket = await tunnelTo(contact, proxy, findings);
  }
  if (tls && socket === undefined) {
    findings.push(skipped("certificate", address, "there is no connection"));
  } else if (tls && socket !== undefined) {
    findings.push(await examineCertificate(contact, settings, socket));
  }
  socket?.destroy();
  return findings;
}

function skipped(step: "connection" | "certificate", address: string, why: string): Finding {
  return finding(step, address, "skipped", `Not tested: ${why}.`);
}

async function examineName({ address, host }: Contact): Promise<Finding> {
  if (isIpAddress(host)) {
    return finding("name", address, "ok", "An IP address; nothing to resolve.");
  }
  try {
    const addresses = await resolveName(host, STEP_TIMEOUT_MS);
    return finding("name", address, "ok", `${host} is ${addresses.join(", ")}.`, {
      details: { addresses },
    });
  } catch (error) {
    const code = codeOf(error);
    const unknown = code === "ENOTFOUND";
    return finding(
      "name",
      address,
      "failed",
      unknown ? `The name ${host} does not exist in DNS.` : `No DNS server resolved ${host}.`,
      {
        code: "NET-002",
        advice: unknown
          ? [
            `Check the spelling of ${host} in the configuration.`,
            "If it is correct, this machine's DNS server does not know it: ask your network administrators.",
          ]
          : ["Check that this machine can reach its DNS server (/etc/resolv.conf)."],
        details: { error: code },
      },
    );
  }
}

async function connectTo(contact: Contact, findings: Finding[]): Promise<Socket | undefined> {
  const { address } = contact;
  try {
    const socket = await openConnection(contact, STEP_TIMEOUT_MS);
    findings.push(finding("connection", address, "ok", "The port is open."));
    return socket;
  } catch (error) {
    findings.push(failedConnection(contact, error));
    return undefined;
  }
}

function failedConnection({ address, port }: Contact, error: unknown): Finding {
  const code = codeOf(error);
  const [message, ...advice] = code === "ECONNREFUSED"
    ? [
      `Nothing listens on port ${port}: the connection was refused.`,
      "Check the port in the URL, and that the service runs.",
    ]
    : code === "ETIMEDOUT"
    ? [
      `No answer within ${
        STEP_TIMEOUT_MS / 1000
      } seconds; usually a firewall blocks the connection.`,
      `Ask your network administrators to allow connections from this machine to ${address}.`,
      "If your network has an egress proxy, configure it under Proxy.",
    ]
    : [
      `The connection cannot be opened: ${reasonOf(error)}.`,
      `Check the route from this machine to ${address}.`,
    ];
  return finding("connection", address, "failed", message!, {
    code: "NET-002",
    advice,
    details: { error: code },
  });
}

async function tunnelTo(
  contact: Contact,
  { url, username, password }: ProxyConfig,
  findings: Finding[],
): Promise<Socket | undefined> {
  const { address } = contact;
  const at = new URL(url);
  const proxy: ProxyEndpoint = {
    host: at.hostname.replace(/^\[|\]$/g, ""),
    port: Number(at.port) || (at.protocol === "https:" ? 443 : 80),
    tls: at.protocol === "https:",
    username,
    password: password?.reveal(),
  };
  const failed = (message: string, details: Record<string, unknown>, ...advice: string[]) => {
    findings.push(
      finding("proxy", address, "failed", message, { code: "NET-002", advice, details }),
    );
    return undefined;
  };
  try {
    const { status, socket } = await openTunnel(proxy, contact, { timeoutMs: STEP_TIMEOUT_MS });
    const details = { proxy: at.host, status };
    if (socket !== undefined) {
      findings.push(
        finding("proxy", address, "ok", `The proxy ${at.host} opens a tunnel.`, { details }),
      );
      return socket;
    }
    // tinyproxy answers 401 to wrong credentials.
    if (status === 407 || status === 401) {
      return failed(
        username === undefined
          ? `The proxy ${at.host} requires a user name and a password (${status}).`
          : `The proxy ${at.host} rejects the user name or the password (${status}).`,
        details,
        "Check Proxy.Username and Proxy.Password.",
      );
    }
    return failed(
      `The proxy ${at.host} opens no tunnel to ${address}: it answered with status ${status}.`,
      details,
      status === 403
        ? `Ask the operator of the proxy to permit ${address}.`
        : `Ask the operator of the proxy whether it can reach ${address}.`,
    );
  } catch (error) {
    return failed(
      `The proxy ${at.host} cannot be reached: ${reasonOf(error)}.`,
      { proxy: at.host, error: codeOf(error) },
      "Check Proxy.Url, and that the proxy runs.",
    );
  }
}

async function examineCertificate(
  contact: Contact,
  { tls, caKey, now }: ConnectionSettings,
  socket: Socket,
): Promise<Finding> {
  const { address, host, purpose } = contact;
  const own = tls.clientCertificate;
  const isShown = own && (purpose === "store" ? own.toStore : own.toTokenEndpoint);
  try {
    const facts = await probeTls({
      socket,
      host,
      caCertificatesPem: tls.caCertificatesPem,
      clientCertificate: isShown
        ? { certificatePem: own.certificatePem, keyPem: own.keyPem.reveal() }
        : undefined,
      timeoutMs: STEP_TIMEOUT_MS,
    });
    const what = purpose === "store" ? "store" : "identity provider";
    return explainCertificate(facts, { address, host, what, caKey }, now());
  } catch (error) {
    const reason = reasonOf(error);
    const plain = /corrupt message|wrong version/i.test(reason);
    return finding(
      "certificate",
      address,
      "failed",
      plain
        ? `The service on port ${contact.port} does not speak TLS.`
        : `The TLS handshake failed: ${reason}.`,
      {
        code: "NET-003",
        advice: plain
          ? ["Check the port, and whether the URL should start with http:// instead of https://."]
          : [
            "Ask its operator which TLS versions and ciphers it accepts, and whether it requires a client certificate.",
          ],
        details: { error: reason },
      },
    );
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}
