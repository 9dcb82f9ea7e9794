/**
 * `Listen`: where clients reach the gateway. Beyond loopback an unauthenticated gateway is an open
 * door to the stores, so that has to be asked for.
 *
 * @module
 */
import { z } from "zod";
import type { ListenConfig } from "./gateway_config.ts";
import { isHost, isLoopback } from "./host_names.ts";
import { certificatesIn, privateKeyFault } from "./pem.ts";
import { fileContent, type RawKeys, rawKeys, type ReadContext } from "./read_context.ts";
import { Secret } from "./secret.ts";
import { filePath, flag, whole } from "./value_schemas.ts";

const DEFAULT_ADDRESS = "127.0.0.1";

/** The keys of `Listen`. */
export const listenSchema = z.strictObject({
  Address: z.string().refine(isListenAddress, "must be an IP address or a host name")
    .default(DEFAULT_ADDRESS)
    .describe(
      "Address to listen on. `0.0.0.0` or `::` means every interface of the machine. " +
        "Anything but loopback needs `AllowUnauthenticated`",
    ),
  Port: whole(0, 65_535).default(8043)
    .describe("TCP port to listen on; 0 takes any that is free"),
  Tls: z.strictObject({
    CertificateFile: filePath().describe("PEM file with the certificate and its chain"),
    KeyFile: filePath().describe("PEM file with the private key, without a passphrase"),
  }).optional().describe("Speak TLS to clients"),
  AllowUnauthenticated: flag().default(false).describe(
    "Listen beyond loopback although anyone who can reach the port may then use every store. " +
      "A warning is given at every start",
  ),
});

function isListenAddress(value: string): boolean {
  return !value.startsWith("[") && isHost(value);
}

/**
 * Checks what the keys of `Listen` mean together.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkListen(raw: RawKeys, context: ReadContext): void {
  const { path, report, files } = context;
  const address = raw["Address"] ?? DEFAULT_ADDRESS;
  if (typeof address === "string" && !isLoopback(address)) {
    if (String(raw["AllowUnauthenticated"]) !== "true") {
      report.add(
        "CFG-002",
        [...path, "Address"],
        "must be loopback (127.0.0.1, ::1 or localhost), because whoever can reach the port may " +
          "use every store without a password; set AllowUnauthenticated to true in Listen to " +
          "accept that, where a firewall or a proxy in front decides who may",
      );
    } else {
      report.warn(
        [...path, "AllowUnauthenticated"],
        "whoever can reach this address may use every store without a password",
      );
    }
  }
  const tls = rawKeys(raw["Tls"]);
  const certificate = fileContent(files, tls["CertificateFile"]);
  if (certificate !== undefined && certificatesIn(certificate).length === 0) {
    report.add(
      "CFG-002",
      [...path, "Tls", "CertificateFile"],
      "must be a PEM file with at least one certificate (BEGIN CERTIFICATE)",
    );
  }
  const key = fileContent(files, tls["KeyFile"]);
  const fault = key === undefined ? undefined : privateKeyFault(key);
  if (fault !== undefined) report.add("CFG-002", [...path, "Tls", "KeyFile"], fault);
}

/**
 * Makes the listener's configuration.
 *
 * @param keys The keys, checked.
 * @param files The files that the configuration names.
 * @returns Where and how to listen.
 */
export function buildListen(
  keys: z.output<typeof listenSchema>,
  files: ReadContext["files"],
): ListenConfig {
  const tls = keys.Tls;
  return {
    address: keys.Address,
    port: keys.Port,
    tls: tls && {
      certificatePem: fileContent(files, tls.CertificateFile) ?? "",
      keyPem: new Secret(fileContent(files, tls.KeyFile) ?? ""),
    },
  };
}
