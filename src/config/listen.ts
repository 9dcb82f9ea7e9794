/**
 * `Listen`: where clients reach the gateway. Beyond loopback a gateway without authentication is an
 * open door to the stores, so that has to be asked for.
 *
 * @module
 */
import { z } from "zod";
import { checkCertificatePair } from "./certificate_pair.ts";
import type { ListenConfig } from "./gateway_config.ts";
import { isHost, isLoopback } from "./host_names.ts";
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
        "Anything but loopback needs `Authentication`",
    ),
  Port: whole(0, 65_535).default(8043)
    .describe("TCP port to listen on; 0 takes any that is free"),
  Tls: z.strictObject({
    CertificateFile: filePath().describe("PEM file with the certificate and its chain"),
    KeyFile: filePath().describe("PEM file with the private key, without a passphrase"),
  }).optional().describe("Speak TLS to clients"),
  AllowUnauthenticated: flag().default(false).describe(
    "Listen beyond loopback without `Authentication`, although anyone who can reach the port may then " +
      "use every store. A warning is given at every start",
  ),
});

function isListenAddress(value: string): boolean {
  return !value.startsWith("[") && isHost(value);
}

/** What the rest of the section says about the listener. */
export interface ListenSurroundings {
  /** Whether clients have to show who they are. */
  readonly isAuthenticated: boolean;
  /** Whether what they show can be overheard. */
  readonly isOverheard: boolean;
}

/**
 * Checks what the keys of `Listen` mean together.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 * @param surroundings What the rest of the section says.
 */
export function checkListen(
  raw: RawKeys,
  context: ReadContext,
  { isAuthenticated, isOverheard }: ListenSurroundings,
): void {
  const { path, report, files } = context;
  const address = raw["Address"] ?? DEFAULT_ADDRESS;
  const isOpen = String(raw["AllowUnauthenticated"]) === "true";
  if (isAuthenticated) {
    if (isOpen) {
      report.warn([...path, "AllowUnauthenticated"], "means nothing beside Authentication");
    }
    if (typeof address === "string" && !isLoopback(address) && isOverheard) {
      report.warn(
        [...path, "Tls"],
        "is not set: passwords, keys, tokens and images travel unencrypted to this address",
      );
    }
  } else if (typeof address === "string" && !isLoopback(address)) {
    if (!isOpen) {
      report.add(
        "CFG-002",
        [...path, "Address"],
        "must be loopback (127.0.0.1, ::1 or localhost), because whoever can reach the port may " +
          "use every store without a password; write Authentication to say who may, or set " +
          "AllowUnauthenticated to true in Listen, where a firewall or a proxy in front decides",
      );
    } else {
      report.warn(
        [...path, "AllowUnauthenticated"],
        "whoever can reach this address may use every store without a password",
      );
    }
  }
  const tls = rawKeys(raw["Tls"]);
  checkCertificatePair(
    {
      pem: fileContent(files, tls["CertificateFile"]),
      path: [...path, "Tls", "CertificateFile"],
    },
    { pem: fileContent(files, tls["KeyFile"]), path: [...path, "Tls", "KeyFile"] },
    report,
  );
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
