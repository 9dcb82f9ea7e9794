/**
 * Examines the connection to one host: its name, the TCP connection or the proxy's tunnel, and its
 * certificate.
 */
import type { ServerConfig } from "../../config/keys/server.ts";
import type { Contact } from "../../config/sandbox/contacts.ts";
import type { ProxyConfig } from "../../config/keys/proxy.ts";
import {
  hasDnsAnswer,
  openConnection,
  openTunnel,
  type ProxyEndpoint,
  resolveName,
} from "../../network/connection_probe.ts";
import { isIpAddress } from "../../config/values/ip_networks.ts";
import { proxyRefusal } from "../../network/network_error.ts";
import { tlsFault } from "../../network/tls_fault.ts";
import { verifyTls } from "../../network/verify_tls.ts";
import { probeTls, type TlsProbeOptions } from "../../network/tls_probe.ts";
import { reasonOf } from "../../errors/reason.ts";
import { type Finding, finding, type Step } from "./finding.ts";
import { explainCertificate, faultSentences } from "./explain_certificate.ts";

/** Limit of each step. */
const STEP_TIMEOUT_MS = 5_000;

export interface ConnectionSettings {
  readonly proxy: ProxyConfig | undefined;
  readonly tls: ServerConfig["tls"];
  /** The configuration key for further certificate authorities. */
  readonly caKey: string;
  readonly now: () => number;
}

type Socket = TlsProbeOptions["socket"];

/** The outcome of connecting, with the socket if it succeeded. */
interface Connection {
  readonly found: Finding;
  readonly socket?: Socket;
}

/** Examines the connection to a host, step by step up to the first failure. */
export async function examineContact(
  contact: Contact,
  settings: ConnectionSettings,
): Promise<Finding[]> {
  const { address, tls } = contact;
  const proxy = contact.proxied ? settings.proxy : undefined;
  if (proxy !== undefined && !tls) {
    return [skipped("connection", address, "plain HTTP goes through the proxy without a tunnel")];
  }
  const findings = proxy === undefined ? [await examineName(contact)] : [];
  const { found, socket }: Connection = proxy !== undefined
    ? await openThrough(proxy, contact)
    : findings[0]?.outcome === "failed"
    ? { found: skipped("connection", address, "the name was not resolved") }
    : await openDirectly(contact);
  findings.push(found);
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

function failed(
  step: Step,
  { address }: Contact,
  details: Finding["details"],
  [message, ...advice]: readonly [message: string, ...advice: string[]],
): Finding {
  const code = step === "certificate" ? "NET-003" : "NET-002";
  return finding(step, address, "failed", message, { code, advice, details });
}

async function examineName(contact: Contact): Promise<Finding> {
  const { address, host } = contact;
  if (isIpAddress(host)) {
    return finding("name", address, "ok", "An IP address; nothing to resolve.");
  }
  try {
    const addresses = await resolveName(host, STEP_TIMEOUT_MS);
    const message = `${host} is ${addresses.join(", ")}.`;
    return finding("name", address, "ok", message, { details: { addresses } });
  } catch (cause) {
    const error = codeOf(cause);
    return failed(
      "name",
      contact,
      { error },
      error === "ENOTFOUND" && await hasDnsAnswer(host, STEP_TIMEOUT_MS)
        ? [
          `The name ${host} does not exist in DNS.`,
          `Check the spelling of ${host} in the configuration.`,
          "If it is correct, this machine's DNS server does not know it: ask your network administrators.",
        ]
        : [
          `No DNS server resolved ${host}.`,
          "Check that this machine can reach its DNS server (/etc/resolv.conf).",
        ],
    );
  }
}

async function openDirectly(contact: Contact): Promise<Connection> {
  const { address, port } = contact;
  try {
    const socket = await openConnection(contact, STEP_TIMEOUT_MS);
    return { found: finding("connection", address, "ok", "The port is open."), socket };
  } catch (cause) {
    const error = codeOf(cause);
    const found = failed(
      "connection",
      contact,
      { error },
      error === "ECONNREFUSED"
        ? [
          `Nothing listens on port ${port}: the connection was refused.`,
          "Check the port in the URL, and that the service runs.",
        ]
        : error === "ETIMEDOUT"
        ? [
          `No answer within ${STEP_TIMEOUT_MS / 1000} seconds; usually a firewall blocks the ` +
          "connection.",
          `Ask your network administrators to allow connections from this machine to ${address}.`,
          "If your network has an egress proxy, configure it under Proxy.",
        ]
        : [
          `The connection cannot be opened: ${reasonOf(cause)}.`,
          `Check the route from this machine to ${address}.`,
        ],
    );
    return { found };
  }
}

async function openThrough(
  proxy: ProxyConfig,
  contact: Contact,
): Promise<Connection> {
  const { address } = contact;
  const { username } = proxy;
  const { host } = new URL(proxy.url);
  try {
    const answer = await openTunnel(proxyEndpoint(proxy), contact, { timeoutMs: STEP_TIMEOUT_MS });
    const { status, socket } = answer;
    const details = { proxy: host, status };
    if (socket !== undefined) {
      const message = `The proxy ${host} opens a tunnel.`;
      return { found: finding("proxy", address, "ok", message, { details }), socket };
    }
    const used = { host, hasLogin: username !== undefined };
    const { state, step } = proxyRefusal(address, used, answer);
    const message = `The proxy ${host} ${state}.`;
    return { found: failed("proxy", contact, details, [message, `${step}.`]) };
  } catch (cause) {
    const found = failed("proxy", contact, { proxy: host, error: codeOf(cause) }, [
      `The proxy ${host} cannot be reached: ${reasonOf(cause)}.`,
      `Check Proxy.Url, and that the proxy runs. If it does, ask its operator whether it reaches ${address}.`,
    ]);
    return { found };
  }
}

export function proxyEndpoint({ url, username, password }: ProxyConfig): ProxyEndpoint {
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === "https:";
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (tls ? 443 : 80),
    tls,
    username,
    password: password?.reveal(),
  };
}

/** Takes the verdict from the gateway's client, and names and dates from a handshake that accepts all. */
async function examineCertificate(
  contact: Contact,
  { proxy, tls, caKey, now }: ConnectionSettings,
  socket: Socket,
): Promise<Finding> {
  const { address, host, purpose, proxied } = contact;
  const own = tls.clientCertificate;
  const isSent = own && (purpose === "store" ? own.toStore : own.toTokenEndpoint);
  const what = purpose === "store" ? "store" : "identity provider";
  const options = {
    caCertificatesPem: tls.caCertificatesPem,
    ...(isSent &&
      { clientCertificate: { certificatePem: own.certificatePem, keyPem: own.keyPem.reveal() } }),
  };
  const { url, username, password } = proxy ?? {};
  const through = proxied && url !== undefined
    ? {
      proxy: {
        url,
        ...(username !== undefined && { username }),
        ...(password && { password: password.reveal() }),
      },
    }
    : {};
  const [verdict, facts] = await Promise.allSettled([
    verifyTls(address, { ...options, ...through }, STEP_TIMEOUT_MS),
    probeTls({ ...options, socket, host, timeoutMs: STEP_TIMEOUT_MS }),
  ]);
  const error = verdict.status === "rejected" ? reasonOf(verdict.reason) : undefined;
  const fault = error === undefined ? undefined : tlsFault(address, error);
  if (facts.status === "fulfilled" && (error === undefined || fault !== undefined)) {
    return explainCertificate(facts.value, { address, host, what, caKey, fault }, now());
  }
  if (error === undefined) {
    return finding("certificate", address, "ok", "The certificate is trusted.");
  }
  return failed(
    "certificate",
    contact,
    { error },
    fault !== undefined ? faultSentences(fault, what) : [
      `The TLS handshake failed: ${error}.`,
      "Ask its operator which TLS versions and ciphers it accepts, and whether it requires a client certificate.",
    ],
  );
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error ? String(error.code) : null;
}
