/**
 * Request targets that try to leave a store's base URL, to reach another host, or to be ambiguous, as bytes
 * on a connection to the real gateway.
 */
import assert from "node:assert/strict";
import { startHostileBench } from "./hostile_bench.ts";

const MAIN = "/dicom-web/main";

type Answer = readonly [status: number, code: string | undefined];

/** The gateway's own responses, if the runtime accepts the request at all. */
const OUTSIDE: Answer = [400, "NET-005"];
const TOO_LONG: Answer = [414, "NET-005"];
const NOT_THERE: Answer = [404, "NET-006"];
const NOT_ME: Answer = [421, "AUTH-008"];
/** Rejected by the runtime: no valid HTTP, target too long, headers too long. */
const NO_HTTP: Answer = [400, undefined];
const LONG_TARGET: Answer = [414, undefined];
const LONG_HEAD: Answer = [431, undefined];

const REFUSED: [what: string, target: string, answer?: Answer][] = [
  ["dot segments", `${MAIN}/studies/../../../admin`],
  ["dot segments up to the root", `${MAIN}/../../../../etc/passwd`],
  ["one dot", `${MAIN}/./studies`],
  ["%2e%2e", `${MAIN}/%2e%2e/%2e%2e/admin`],
  ["%2E.", `${MAIN}/%2E./admin`],
  ["%2f", `${MAIN}/studies%2f..%2f..%2fadmin`],
  ["%5c", `${MAIN}/studies%5c..%5cadmin`],
  ["a backslash", `${MAIN}/studies\\..\\..\\admin`],
  ["dots encoded twice", `${MAIN}/%252e%252e/admin`],
  ["a slash encoded three times", `${MAIN}/a%25252f..%25252fadmin`],
  ["an overlong UTF-8 slash", `${MAIN}/..%c0%af..%c0%afadmin`],
  [
    "an absolute-form target of another host",
    "http://elsewhere.example/dicom-web/main/studies",
    NOT_ME,
  ],
  ["an absolute-form target with dots", "http://HOST/dicom-web/main/../../admin"],
  ["a target with user info", "http://main@elsewhere.example/dicom-web/main/studies", NOT_ME],
  ["//host", "//elsewhere.example/studies", NOT_THERE],
  ["//host below the server", `${MAIN}//elsewhere.example/studies`],
  ["a host behind the server's name", `${MAIN}@elsewhere.example/studies`, NOT_THERE],
  ["a port behind the server's name", `${MAIN}:80/studies`, NOT_THERE],
  ["an encoded server's name", "/dicom-web/%6dain/studies", NOT_THERE],
  ["a server's name with a slash in it", "/dicom-web/main%2f..%2fother/studies", NOT_THERE],
  ["no server's name", "/dicom-web//studies", NOT_THERE],
  ["dots for the server's name", "/dicom-web/../studies", NOT_THERE],
  ["dots under the plugin's path", "/oauth-dicom-web/servers/main/../../stow"],
  ["stow with dots", "/oauth-dicom-web/servers/main/stow/../../admin"],
  ["a control character", `${MAIN}/studies\x01`, NO_HTTP],
  ["a tab", `${MAIN}/stu\tdies`, NO_HTTP],
  ["a blank", `${MAIN}/stu dies`, NO_HTTP],
  ["%00", `${MAIN}/studies%00.json`],
  ["%0d%0a", `${MAIN}/studies%0d%0aHost:%20elsewhere.example`],
  ["%7f", `${MAIN}/studies%7f`],
  ["a byte beyond ASCII", `${MAIN}/studies/\xff`, NO_HTTP],
  ["a cut percent-encoding", `${MAIN}/studies/%2`],
  ["a path of 17,000 characters", `${MAIN}/${"a".repeat(17_000)}`, TOO_LONG],
  ["a target of 70,000 characters", `${MAIN}/studies?a=${"a".repeat(70_000)}`, LONG_TARGET],
  ["a target of a million characters", `${MAIN}/${"a".repeat(1_000_000)}`, LONG_HEAD],
  ["asterisk-form", "*", NO_HTTP],
  ["authority-form", "elsewhere.example:443", NO_HTTP],
  ["no target", "", NO_HTTP],
];

Deno.test("hostile paths: none leaves the store's base URL or reaches another host", async (t) => {
  await using bench = await startHostileBench();
  for (const [what, target, answer = OUTSIDE] of REFUSED) {
    await t.step(`${what} is rejected before it reaches the store`, async () => {
      const { status, code } = await bench.send(
        `GET ${target} HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n`,
      );
      assert.deepEqual([status, code], answer);
      assert.deepEqual(bench.takeSeen(), []);
      await bench.assertUnharmed();
    });
  }
});
