/**
 * `Audit`: the audit trail and its target.
 */
import { z } from "zod";
import { isHost } from "../values/host_names.ts";
import { keysOf } from "../values/keys_of.ts";
import {
  certificatesFile,
  decimal,
  filePath,
  secret,
  text,
  whole,
} from "../values/value_schemas.ts";

/** RFC 5425, section 4.1. */
const SYSLOG_TLS_PORT = 6514;
const MEGABYTE = 1_000_000;

const syslog = keysOf({
  Host: text().refine(isHost, "must be a host name or an IP address").describe(
    "Host of the syslog server",
  ),
  Port: whole(1, 65_535).default(SYSLOG_TLS_PORT).describe("Its port for TLS"),
  CaFile: certificatesFile().optional().describe(
    "PEM file with the certificate authority of its certificate",
  ),
}).transform((keys) => ({
  kind: "syslog" as const,
  host: keys.Host,
  port: keys.Port,
  caCertificatesPem: keys.CaFile ?? [],
}));

export const audit = keysOf(
  {
    To: z.enum(["file", "stdout", "syslog"]).default("file").describe(
      "`file`: JSON lines in `File`; `stdout`: JSON lines on standard output; `syslog`: RFC 5424 over TLS",
    ),
    File: filePath().optional().describe(
      "Where the records are written; required for `file`. Its directory is reserved for the audit trail, created if missing, and outside `StateDirectory`, where workers may write",
    ),
    MaxMegabytes: decimal(0.001, 1_000_000).default(100).describe(
      "Size at which a file is rotated",
    ),
    MaxFiles: whole(0, 1_000_000).default(0).describe(
      "Number of rotated files to keep; 0: all",
    ),
    Syslog: syslog.optional().describe("Required for `syslog`"),
    Uids: z.enum(["plain", "hashed", "omitted"]).default("plain").describe(
      "How study, series and instance UIDs are recorded; `hashed` (HMAC-SHA-256) needs `Key`",
    ),
    Key: secret(text().min(32, "must have 32 characters or more")).optional().describe(
      "Secret that seals the hash chain (HMAC-SHA-256), so that nobody without it can forge one; without it the chain detects only damage and naive changes",
    ),
    OnFailure: z.enum(["refuse", "warn"]).optional().describe(
      "What happens to requests while records cannot be written: `refuse` rejects them with 503 (INT-004), `warn` serves them. Default: `refuse`, or `warn` on loopback",
    ),
  },
  (keys, complain) => {
    if (keys.To === "file" && keys.File === undefined) {
      complain("File", "is missing: it says where the records are written");
    }
  },
  (keys, complain) => {
    if (keys.To === "syslog" && keys.Syslog === undefined) {
      complain("Syslog", 'To "syslog" needs Syslog with its Host');
    }
  },
  (keys, complain) => {
    if (keys.Uids === "hashed" && keys.Key === undefined) {
      complain(
        "Key",
        'Uids "hashed" needs Key: a hash without one can be found by trying all UIDs there are',
      );
    }
  },
).transform((keys) => ({
  target: keys.To === "stdout"
    ? { kind: "stdout" as const }
    : keys.To === "syslog" && keys.Syslog !== undefined
    ? keys.Syslog
    : {
      kind: "file" as const,
      /** Absolute. */
      path: keys.File ?? "",
      maxBytes: Math.round(keys.MaxMegabytes * MEGABYTE),
      maxFiles: keys.MaxFiles,
    },
  uids: keys.Uids,
  key: keys.Key,
  onFailure: keys.OnFailure,
}));
