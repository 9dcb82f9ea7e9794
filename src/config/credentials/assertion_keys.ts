/**
 * The keys of the assertions by which a client shows who it is (RFC 7523): what signs them and what
 * they say.
 *
 * @module
 */
import { z } from "zod";
import { assertionCertificate } from "../assertion_certificate.ts";
import { expiryWarning } from "../certificate_expiry.ts";
import {
  type AssertionConfig,
  type KeyAssertion,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  type SigningKey,
} from "../client_authentication_config.ts";
import { certificatesIn } from "../pem.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { jwkThumbprint, type PrivateKey, readPrivateKey, signingKey } from "../signing_key.ts";
import { text, whole } from "../value_schemas.ts";

/** Keys of what every assertion says. */
export const assertionKeys = {
  AssertionAudience: text().optional().describe(
    "`aud` of the assertion. Unless given: the issuer where `Issuer` is set, otherwise the token " +
      "endpoint; for Okta the token endpoint; for Auth0 its domain with a slash at the end",
  ),
  AssertionLifetimeSeconds: whole(10, 3_600).default(120).describe(
    "How long an assertion is good for; many providers accept 300 at most",
  ),
};

/** Keys of an assertion that a private key signs. */
export const privateKeyKeys = {
  ...assertionKeys,
  PrivateKey: z.union([text(), z.array(text()).min(1)], {
    error: "must be a text or a list of texts",
  }).describe(
    "The private key as PEM or JWK text; better `${file:PATH}` than the key itself. Of a list the " +
      "first signs, and the public halves of all are published at `/.well-known/jwks.json`",
  ),
  KeyId: text().optional().describe("`kid` of the (first) key as the provider knows it"),
  AssertionAlgorithm: z.enum(SIGNING_ALGORITHMS).optional().describe(
    "Signature algorithm. Unless given: RS256, ES256, ES384, ES512 or EdDSA, as the key is",
  ),
  AssertionCertificate: text().optional().describe(
    "PEM certificate of the key, whose thumbprints go into the assertion's header (`x5t`, " +
      "`x5t#S256`), as Entra ID wants. Not needed where `PrivateKey` holds it as well",
  ),
};

type PrivateKeyKeys = z.output<z.ZodObject<typeof privateKeyKeys>>;

/** What a way of signing wants of its keys beyond what they say themselves. */
export interface KeyRules {
  /** The algorithm of RSA keys where none is configured. */
  readonly rsaAlgorithm?: SigningAlgorithm;
  /** Send a `kid` even where none is configured: the key's thumbprint. */
  readonly alwaysKeyId?: boolean;
}

/**
 * Checks keys, algorithm and certificate, so that a broken key is found before it is needed.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkPrivateKeys(raw: RawKeys, { path, report }: ReadContext): void {
  const { PrivateKey: given, AssertionAlgorithm: algorithm, AssertionCertificate: pem } = raw;
  const texts = Array.isArray(given) ? given : [given];
  let first: PrivateKey | undefined;
  texts.forEach((each, index) => {
    if (typeof each !== "string" || each === "") return;
    const { key, fault } = readPrivateKey(each);
    const at = Array.isArray(given) ? ["PrivateKey", index] : ["PrivateKey"];
    if (fault !== undefined) report.add("CFG-002", [...path, ...at], fault);
    else if (index === 0) first = key;
  });
  if (first === undefined) return;
  if (
    SIGNING_ALGORITHMS.includes(algorithm as SigningAlgorithm) &&
    !first.algorithms.includes(algorithm as SigningAlgorithm)
  ) {
    const message = `does not fit PrivateKey, which signs with ${first.algorithms.join(", ")}`;
    report.add("CFG-002", [...path, "AssertionAlgorithm"], message);
  }
  const bundle: unknown = pem ?? texts[0];
  if (typeof bundle !== "string" || bundle === "") return;
  if (pem === undefined && certificatesIn(bundle).length === 0) return;
  const { certificate, fault } = assertionCertificate(bundle, first.key);
  const at = [...path, pem === undefined ? "PrivateKey" : "AssertionCertificate"];
  if (fault !== undefined) return report.add("CFG-002", at, fault);
  const warning = expiryWarning(certificate.expiresAtMs, Date.now());
  if (warning !== undefined) report.warn(at, warning);
}

/**
 * Makes what signs assertions.
 *
 * @param keys The keys, checked.
 * @param rules What the way of signing wants of them.
 * @returns The client authentication.
 */
export function buildKeyAssertion(keys: PrivateKeyKeys, rules: KeyRules = {}): KeyAssertion {
  const texts = [keys.PrivateKey].flat();
  const [first, ...others] = texts.map((each, index) =>
    buildKey(readKnown(each), index === 0 ? keys : {}, rules)
  );
  if (first === undefined) throw new TypeError("Cannot sign without a key");
  return {
    method: "private_key_jwt",
    keys: [first, ...others],
    certificate: certificateOf(keys),
    assertion: buildAssertion(keys),
  };
}

/**
 * Makes what assertions say.
 *
 * @param keys The keys, checked.
 * @returns The assertion's configuration.
 */
export function buildAssertion(keys: z.output<z.ZodObject<typeof assertionKeys>>): AssertionConfig {
  return { audience: keys.AssertionAudience, lifetimeSeconds: keys.AssertionLifetimeSeconds };
}

function buildKey(
  key: PrivateKey,
  { AssertionAlgorithm: algorithm, KeyId }: Partial<PrivateKeyKeys>,
  rules: KeyRules,
): SigningKey {
  const preferred = key.algorithms.find((each) => each === rules.rsaAlgorithm);
  const keyId = KeyId ?? key.keyId;
  const made = signingKey(key, algorithm ?? preferred ?? key.algorithms[0], keyId);
  if (keyId !== undefined || !rules.alwaysKeyId) return made;
  return { ...made, keyId: jwkThumbprint(made.publicJwk) };
}

function readKnown(text: string): PrivateKey {
  const { key, fault } = readPrivateKey(text);
  if (key === undefined) throw new TypeError(`Cannot build a key that was found wrong: ${fault}`);
  return key;
}

/** Tools such as `az ad sp create-for-rbac` write key and certificate into one file. */
function certificateOf(keys: PrivateKeyKeys): KeyAssertion["certificate"] {
  const [own = ""] = [keys.PrivateKey].flat();
  const pem = keys.AssertionCertificate ?? (certificatesIn(own).length > 0 ? own : undefined);
  return pem === undefined ? undefined : assertionCertificate(pem, readKnown(own).key).certificate;
}
