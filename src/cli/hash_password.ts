/**
 * The commands that make the hashes for `Authentication`. A password is never an argument: every user
 * of the machine can read those.
 */
import { makeApiKey } from "../credentials/inbound/api_keys.ts";
import { hashPassword } from "../credentials/inbound/password.ts";
import { ExitCode } from "./exit_code.ts";
import { readSecret } from "./secret_input.ts";
import { complain, print } from "./terminal.ts";

/** NIST SP 800-63B-4, section 3.1.1.2: at least 15 characters for a password as the single factor. */
const ADVISED_LENGTH = 15;

/** Prompts for a password at a terminal, reads it from standard input elsewhere; prints its hash. */
export async function printPasswordHash(): Promise<number> {
  const password = await readSecret("Password: ");
  if (password === undefined) return ExitCode.failure;
  if (password === "") return refuse("A password must not be empty.");
  if (/\p{Cc}/u.test(password)) {
    return refuse("A password must be one line, without control characters.");
  }
  if ([...password].length < ADVISED_LENGTH) {
    complain(`Warning: a password should have ${ADVISED_LENGTH} characters or more.`);
  }
  if (Deno.stdin.isTerminal() && await readSecret("Once more: ") !== password) {
    return refuse("The two passwords differ.");
  }
  print(await hashPassword(password));
  return ExitCode.ok;
}

function refuse(reason: string): number {
  complain(reason);
  return ExitCode.failure;
}

export function printApiKey(): void {
  const { key, hash } = makeApiKey();
  print(`Key for the client, shown this once:  ${key}`);
  print(`Hash for Authentication.ApiKeys.Keys: ${hash}`);
}
