/**
 * `Permissions`: who may do what at which server. Once one is written, whatever none allows is
 * refused.
 *
 * @module
 */
import { z } from "zod";
import { type TransactionClass, transactions } from "../../dicomweb/transaction.ts";
import { nearestName } from "../nearest_name.ts";
import { fileContent, type RawKeys, rawKeys, type ReadContext } from "../read_context.ts";
import { text } from "../value_schemas.ts";
import { userNames } from "./users.ts";

/** What may be permitted: classes of transactions, and the gateway's own pages. */
export type Right = TransactionClass | "manage" | "metrics";

/** Who may do what. */
export interface PermissionConfig {
  /** Subjects, `role:{issuer}:{role}`, `user:*`, `key:*`, `jwt:{issuer}:*`, `anonymous`, or `*`. */
  readonly subjects: readonly string[];
  /** Names of servers, or `*`. */
  readonly servers: readonly string[];
  readonly rights: readonly Right[];
}

const RIGHTS: readonly Right[] = [...new Set(Object.values(transactions)), "manage", "metrics"];

/** One entry of `Permissions`. */
export const permissionSchema = z.strictObject({
  Subjects: z.array(text()).min(1).describe(
    "Whom it permits: `user:{name}`, `key:{name}`, `jwt:{issuer}:{subject}`, `role:{issuer}:{role}`; " +
      "`user:*`, `key:*`, `jwt:{issuer}:*`; `anonymous` without `Authentication`; `*` for everyone",
  ),
  Servers: z.array(text()).min(1).default(["*"]).describe(
    "At which servers; `*` for all and for the gateway's own pages about all",
  ),
  Transactions: z.array(z.enum(RIGHTS)).min(1).describe(
    "What it permits: classes of transactions; `unknown` for requests that are none known; `manage` for " +
      "the management API and the status page; `metrics`",
  ),
});

/** The key `Permissions`. */
export const permissionsSchema = z.array(permissionSchema).min(1);

/**
 * Checks that subjects and servers are there.
 *
 * @param raw The list as written.
 * @param section The whole section as written.
 * @param context Where the list stands.
 */
export function checkPermissions(raw: unknown, section: RawKeys, context: ReadContext): void {
  if (!Array.isArray(raw)) return;
  const { path, report } = context;
  const servers = Object.keys(rawKeys(section["Servers"]));
  const subjects = knownSubjects(section["Authentication"], context.files);
  for (const [index, entry] of raw.entries()) {
    const { Subjects: who, Servers: where } = rawKeys(entry);
    for (const [at, name] of texts(where)) {
      if (name === "*" || servers.includes(name)) continue;
      const fault = `names no server${nearest(name, servers)}`;
      report.add("CFG-002", [...path, index, "Servers", at], fault);
    }
    for (const [at, name] of texts(who)) {
      if (subjects.includes(name) || isOfIssuer(name, section)) continue;
      const fault = `is nobody that Authentication knows${nearest(name, subjects)}`;
      report.add("CFG-002", [...path, index, "Subjects", at], fault);
    }
  }
}

/**
 * Makes the permissions.
 *
 * @param keys The keys, checked.
 * @returns Who may do what.
 */
export function buildPermissions(keys: z.output<typeof permissionsSchema>): PermissionConfig[] {
  return keys.map(({ Subjects: subjects, Servers: servers, Transactions: rights }) => ({
    subjects,
    servers,
    rights,
  }));
}

function knownSubjects(authentication: unknown, files: ReadContext["files"]): string[] {
  if (authentication === undefined) return ["*", "anonymous"];
  const { Basic: basic, ApiKeys: apiKeys, Jwt: issuers } = rawKeys(authentication);
  const { Users: users, UsersFile: file } = rawKeys(basic);
  const names = [...Object.keys(rawKeys(users)), ...userNames(fileContent(files, file) ?? "")];
  const keys = Object.keys(rawKeys(rawKeys(apiKeys)["Keys"]));
  return [
    "*",
    ...(basic === undefined ? [] : ["*", ...names].map((name) => `user:${name}`)),
    ...(apiKeys === undefined ? [] : ["*", ...keys].map((name) => `key:${name}`)),
    ...Object.keys(rawKeys(issuers)).map((issuer) => `jwt:${issuer}:*`),
  ];
}

/** Subjects and roles are known to the issuer alone. */
function isOfIssuer(name: string, section: RawKeys): boolean {
  const issuer = /^(?:jwt|role):([^:]+):./.exec(name)?.[1];
  const issuers = rawKeys(rawKeys(section["Authentication"])["Jwt"]);
  return issuer !== undefined && Object.hasOwn(issuers, issuer);
}

function texts(value: unknown): [index: number, text: string][] {
  if (!Array.isArray(value)) return [];
  return [...value.entries()].filter((entry): entry is [number, string] =>
    typeof entry[1] === "string" && entry[1] !== ""
  );
}

function nearest(name: string, known: readonly string[]): string {
  const found = nearestName(name, known);
  return found === undefined ? "" : `; the nearest is ${JSON.stringify(found)}`;
}
