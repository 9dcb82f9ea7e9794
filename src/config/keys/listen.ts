/**
 * `Listen`: address, port and TLS of the listener. Rejects a public listener without authentication.
 */
import { z } from "zod";
import { certificatePairRule } from "../values/certificate_pair.ts";
import { isHost, isLoopback } from "../values/host_names.ts";
import { type Complain, keysOf } from "../values/keys_of.ts";
import { privateKeyIn } from "../values/pem.ts";
import { Secret } from "../values/secret.ts";
import { sources } from "../values/sources.ts";
import { certificatesFile, fileContent, flag, whole } from "../values/value_schemas.ts";

const tls = keysOf(
  {
    CertificateFile: certificatesFile().describe("PEM file with the certificate and its chain"),
    KeyFile: fileContent().describe("PEM file with the private key, without a passphrase"),
  },
  ({ CertificateFile: certificates, KeyFile: keyPem }, complain) =>
    certificatePairRule({ certificates, keyPem }, complain),
).transform(({ CertificateFile: certificates, KeyFile: key }) => ({
  certificatePem: certificates.join("\n"),
  keyPem: new Secret(privateKeyIn(key)),
}));

const place = {
  Address: z.string().refine(isListenAddress, "must be an IP address or a host name")
    .default("127.0.0.1")
    .describe(
      "Address to listen on. `0.0.0.0` or `::` means every interface of the machine. " +
        "Anything but loopback needs `Authentication`",
    ),
  Port: whole(0, 65_535).default(8043)
    .describe("TCP port to listen on; 0 takes any that is free"),
};

/** What a client on the same machine needs of `Listen`; reads no file. */
export const listenPlace = z.object({ ...place, Tls: z.unknown().optional() }).transform(
  (keys) => ({ address: keys.Address, port: keys.Port, isTls: keys.Tls !== undefined }),
);

export const listen = keysOf({
  ...place,
  Tls: tls.optional().describe("TLS for clients"),
  AllowUnauthenticated: flag().default(false).describe(
    "Listen beyond loopback without `Authentication`, although anyone who can reach the port may then use every store. Logs a warning at every start",
  ),
}, addressRule).transform((keys) => ({
  address: keys.Address,
  port: keys.Port,
  tls: keys.Tls,
  allowUnauthenticated: keys.AllowUnauthenticated,
}));

/** Beyond loopback a gateway without authentication is an open door to the stores. */
function addressRule(
  keys: { readonly Address: string; readonly AllowUnauthenticated: boolean },
  complain: Complain,
): void {
  if (sources().section["Authentication"] !== undefined) return;
  if (isLoopback(keys.Address) || keys.AllowUnauthenticated) return;
  complain(
    "Address",
    "must be loopback (127.0.0.1, ::1 or localhost), because anyone who can reach the port may " +
      "use every store without a password; configure Authentication, or set " +
      "AllowUnauthenticated to true in Listen, where a firewall or a proxy in front decides",
    "CFG-002",
  );
}

function isListenAddress(value: string): boolean {
  return !value.startsWith("[") && isHost(value);
}
