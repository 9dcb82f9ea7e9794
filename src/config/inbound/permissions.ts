/**
 * `Permissions`: which subjects may do what at which server. Once one is defined, everything that none
 * permits is rejected.
 */
import { z } from "zod";
import {
  type TransactionClass,
  transactions,
} from "../../dicomweb/transaction/transaction_catalogue.ts";
import { type Complain, keysOf } from "../values/keys_of.ts";
import { nearestName } from "../values/nearest_name.ts";
import { text } from "../values/value_schemas.ts";
import type { AuthenticationConfig } from "./authentication.ts";

/** A transaction class, or a right to pages of the gateway. */
export type Right = TransactionClass | "manage" | "metrics";

export interface PermissionConfig {
  /** Subjects, `role:{issuer}:{role}`, `user:*`, `key:*`, `jwt:{issuer}:*`, `anonymous`, or `*`. */
  readonly subjects: readonly string[];
  /** Names of servers, or `*`. */
  readonly servers: readonly string[];
  readonly rights: readonly Right[];
}

const RIGHTS: readonly Right[] = [...new Set(Object.values(transactions)), "manage", "metrics"];

const permission = keysOf({
  Subjects: z.array(text()).min(1).describe(
    "Subjects that it permits: `user:{name}`, `key:{name}`, `jwt:{issuer}:{subject}`, `role:{issuer}:{role}`; " +
      "`user:*`, `key:*`, `jwt:{issuer}:*`; `anonymous` without `Authentication`; `*` for everyone",
  ),
  Servers: z.array(text()).min(1).default(["*"]).describe(
    "Servers; `*` for all and for the gateway's own pages about all",
  ),
  Transactions: z.array(z.enum(RIGHTS)).min(1).describe(
    "Permitted transaction classes; `unknown` for unrecognized requests; `manage` for " +
      "the management API and the status page; `metrics`",
  ),
}).transform((keys): PermissionConfig => ({
  subjects: keys.Subjects,
  servers: keys.Servers,
  rights: keys.Transactions,
}));

export const permissions = z.array(permission).min(1);

/** Reports subjects and servers that are not defined elsewhere in the configuration. */
export function permissionsRule(
  { Permissions: permissions = [], Servers, Authentication: authentication }: {
    readonly Permissions?: readonly PermissionConfig[] | undefined;
    readonly Servers: ReadonlyMap<string, unknown>;
    readonly Authentication?: AuthenticationConfig | undefined;
  },
  complain: Complain,
): void {
  const servers = [...Servers.keys()];
  const known = knownSubjects(authentication);
  for (const [index, permission] of permissions.entries()) {
    for (const [at, name] of permission.servers.entries()) {
      if (name === "*" || servers.includes(name)) continue;
      complain(["Permissions", index, "Servers", at], `names no server${nearest(name, servers)}`);
    }
    for (const [at, name] of permission.subjects.entries()) {
      if (known.includes(name) || isOfIssuer(name, authentication)) continue;
      const fault = `is not a subject that Authentication defines${nearest(name, known)}`;
      complain(["Permissions", index, "Subjects", at], fault);
    }
  }
}

function knownSubjects(authentication: AuthenticationConfig | undefined): string[] {
  if (authentication === undefined) return ["*", "anonymous"];
  const { users, apiKeys, issuers } = authentication;
  return [
    "*",
    ...(users.size === 0 ? [] : ["*", ...users.keys()].map((name) => `user:${name}`)),
    ...(apiKeys === undefined ? [] : ["*", ...apiKeys.keys.keys()].map((name) => `key:${name}`)),
    ...[...issuers.keys()].map((issuer) => `jwt:${issuer}:*`),
  ];
}

/** Only the issuer knows its subjects and roles. */
function isOfIssuer(name: string, authentication: AuthenticationConfig | undefined): boolean {
  const issuer = /^(?:jwt|role):([^:]+):./.exec(name)?.[1];
  return issuer !== undefined && (authentication?.issuers.has(issuer) ?? false);
}

function nearest(name: string, known: readonly string[]): string {
  const found = nearestName(name, known);
  return found === undefined ? "" : `; the nearest is ${JSON.stringify(found)}`;
}
