/**
 * `Authentication.Basic`: users with hashed passwords, in the configuration or in a file of their own.
 *
 * @module
 */
import { z } from "zod";
import { fileContent, type RawKeys, rawKeys, type ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { filePath } from "../value_schemas.ts";
import { readPasswordHash } from "./password_hash.ts";

/** RFC 7617, section 2: a colon would end the name; control characters could forge log lines. */
export const USER_NAME = /^[^:\p{Cc}]{1,128}$/u;

const passwordHash = z.string().superRefine((value, context) => {
  const { fault } = readPasswordHash(value);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

/** The keys of `Authentication.Basic`. */
export const basicSchema = z.strictObject({
  Users: z.record(z.string(), passwordHash).default({}).describe(
    "Hashes of passwords by user name; `hash-password` makes them",
  ),
  UsersFile: filePath().optional().describe(
    "File with further users, one `name:hash` a line; lines that begin with `#` are left out",
  ),
});

/**
 * Checks names, and the file of users.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkUsers(raw: RawKeys, { path, report, files }: ReadContext): void {
  const names = Object.keys(rawKeys(raw["Users"]));
  for (const name of names.filter((name) => !USER_NAME.test(name))) {
    report.add(
      "CFG-002",
      [...path, "Users", name],
      "a user's name holds no colon and no control character, and at most 128 characters",
    );
  }
  if (names.length === 0 && raw["UsersFile"] === undefined) {
    const empty = raw["Users"] !== undefined;
    if (empty) report.add("CFG-002", [...path, "Users"], "must name at least one user");
    else report.add("CFG-001", path, "needs Users or UsersFile");
  }
  const content = fileContent(files, raw["UsersFile"]);
  if (content === undefined) return;
  const known = new Set(names);
  const lines = [...linesOf(content)];
  if (lines.length === 0) {
    report.add("CFG-002", [...path, "UsersFile"], "the file must have at least one user");
  }
  for (const { number, name, hash } of lines) {
    const fault = !USER_NAME.test(name)
      ? "must begin with a user's name and a colon"
      : known.has(name)
      ? "names a user for the second time"
      : readPasswordHash(hash).fault;
    known.add(name);
    if (fault === undefined) continue;
    report.add("CFG-002", [...path, "UsersFile"], `line ${number} of the file ${fault}`);
  }
}

/**
 * Makes the users.
 *
 * @param keys The keys, checked.
 * @param files The files that the configuration names.
 * @returns Hashes by name.
 */
export function buildUsers(
  keys: z.output<typeof basicSchema>,
  files: ReadContext["files"],
): ReadonlyMap<string, Secret> {
  const users = new Map(Object.entries(keys.Users).map(([name, hash]) => [name, new Secret(hash)]));
  for (const { name, hash } of linesOf(fileContent(files, keys.UsersFile) ?? "")) {
    users.set(name, new Secret(hash));
  }
  return users;
}

/**
 * The names in a file of users.
 *
 * @param content The file.
 * @returns The names.
 */
export function userNames(content: string): string[] {
  return [...linesOf(content)].map(({ name }) => name);
}

function* linesOf(content: string): Iterable<{ number: number; name: string; hash: string }> {
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    yield {
      number: index + 1,
      name: line.slice(0, Math.max(colon, 0)),
      hash: line.slice(colon + 1).trim(),
    };
  }
}
