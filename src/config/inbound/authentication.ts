/**
 * `Authentication`: passwords, API keys and tokens of clients, in any combination. Without the key,
 * every client that can reach the port is accepted.
 */
import type { Frozen } from "../values/frozen.ts";
import type { z } from "zod";
import { keysOf } from "../values/keys_of.ts";
import type { Secret } from "../values/secret.ts";
import { apiKeys } from "./api_keys.ts";
import { type IssuerConfig, issuers } from "./issuers.ts";
import { basic } from "./users.ts";

export const authentication = keysOf(
  {
    Basic: basic.optional().describe("Users with passwords, as Orthanc and scripts send them"),
    ApiKeys: apiKeys.optional().describe("Keys in a header"),
    Jwt: issuers.optional().describe(
      "Issuers of bearer tokens, by the name they have in subjects",
    ),
  },
  (keys, complain) => {
    if (Object.values(keys).every((value) => value === undefined)) {
      complain([], "must contain Basic, ApiKeys or Jwt", "CFG-001");
    }
  },
).transform((keys) => ({
  /** Hashes of passwords (RFC 7617) by name of the user; empty: no passwords are accepted. */
  users: keys.Basic ?? new Map<string, Secret>(),
  apiKeys: keys.ApiKeys,
  /** Issuers of bearer tokens (RFC 6750), by the name they have in subjects; empty: none. */
  issuers: keys.Jwt ?? new Map<string, IssuerConfig>(),
}));

export type AuthenticationConfig = Frozen<z.output<typeof authentication>>;
