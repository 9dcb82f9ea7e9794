/**
 * `Authentication.Basic`: users with hashed passwords, in the configuration or in a separate file.
 */
import { z } from "zod";
import { keysOf, recordOf } from "../values/keys_of.ts";
import { Secret } from "../values/secret.ts";
import { fileContent } from "../values/value_schemas.ts";
import { readPasswordHash } from "./password_hash.ts";

/** RFC 7617, section 2: a colon would end the name; control characters could forge log lines. */
const USER_NAME = /^[^:\p{Cc}]{1,128}$/u;

const passwordHash = z.string().superRefine((value, context) => {
  const { fault } = readPasswordHash(value);
  if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
});

const users = recordOf(passwordHash, {
  names: USER_NAME,
  misnamed:
    "a user name must not contain a colon or control characters, and has at most 128 characters",
});

export const basic = keysOf(
  {
    Users: users.optional().describe(
      "Hashes of passwords by user name; `hash-password` generates them",
    ),
    UsersFile: fileContent().optional().describe(
      "File with further users, one `name:hash` a line; lines that start with `#` are ignored",
    ),
  },
  ({ Users: written, UsersFile: file }, complain) => {
    if (file !== undefined || Object.keys(written ?? {}).length > 0) return;
    if (written !== undefined) complain("Users", "must name at least one user");
    else complain([], "needs Users or UsersFile", "CFG-001");
  },
  ({ Users: written, UsersFile: file }, complain) => {
    if (file === undefined) return;
    const known = new Set(Object.keys(written ?? {}));
    const lines = [...linesOf(file)];
    if (lines.length === 0) complain("UsersFile", "the file must have at least one user");
    for (const { number, name, hash } of lines) {
      const fault = !USER_NAME.test(name)
        ? "must start with a user name and a colon"
        : known.has(name)
        ? "repeats a user name"
        : readPasswordHash(hash).fault;
      known.add(name);
      if (fault !== undefined) complain("UsersFile", `line ${number} of the file ${fault}`);
    }
  },
).transform(({ Users: written = {}, UsersFile: file = "" }): ReadonlyMap<string, Secret> =>
  new Map([
    ...Object.entries(written),
    ...[...linesOf(file)].map(({ name, hash }) => [name, hash] as const),
  ].map(([name, hash]) => [name, new Secret(hash)]))
);

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
