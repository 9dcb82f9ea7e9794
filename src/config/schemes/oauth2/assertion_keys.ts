/**
 * The keys of the assertions that authenticate a client (RFC 7523): their signature and their claims.
 */
import { ifGiven } from "../../values/complaint.ts";
import { z } from "zod";
import { assertionCertificate } from "../../values/assertion_certificate.ts";
import { expiryWarning } from "../../values/certificate_expiry.ts";
import type { Complain } from "../../values/keys_of.ts";
import { certificatesIn } from "../../values/pem.ts";
import {
  jwkThumbprint,
  type PrivateKey,
  readPrivateKey,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
  type SigningKey,
  signingKey,
} from "../../values/signing_key.ts";
import { SECRET_DOCUMENT, secretKinds, text, whole } from "../../values/value_schemas.ts";
import type { Warning } from "../scheme.ts";
import type { AssertionConfig, KeyAssertion } from "./client_authentication.ts";

/** Keys of all assertions. */
export const assertionKeys = {
  AssertionAudience: text().optional().describe(
    "`aud` of the assertion. Default: the issuer if `Issuer` is set, otherwise the token " +
      "endpoint; for Okta the token endpoint; for Auth0 its domain with a slash at the end",
  ),
  AssertionLifetimeSeconds: whole(10, 3_600).default(120).describe(
    "Lifetime of an assertion; many providers accept 300 at most",
  ),
};

/** A private key, and the certificates beside it. */
interface WrittenKey extends PrivateKey {
  /** Tools such as `az ad sp create-for-rbac` write both into one file. */
  readonly certificates: readonly string[];
}

const privateKey = text().register(secretKinds, SECRET_DOCUMENT).transform((value, context) => {
  const { key, fault } = readPrivateKey(value);
  if (key !== undefined) return { ...key, certificates: certificatesIn(value) };
  context.addIssue({ code: "custom", message: fault });
  return z.NEVER;
});

/** Keys of an assertion that a private key signs. */
export const privateKeyKeys = {
  ...assertionKeys,
  PrivateKey: z.union([
    privateKey.transform((key): [WrittenKey, ...WrittenKey[]] => [key]),
    z.array(privateKey).min(1).transform((keys) =>
      keys as readonly WrittenKey[] as [WrittenKey, ...WrittenKey[]]
    ),
  ], { error: ifGiven("must be a text or a list of texts") }).describe(
    "The private key as PEM or JWK text; better `${file:PATH}` than the key itself. Of a list the " +
      "first signs, and the public halves of all are published at `/.well-known/jwks.json`",
  ),
  KeyId: text().optional().describe("`kid` by which the provider identifies the (first) key"),
  AssertionAlgorithm: z.enum(SIGNING_ALGORITHMS).optional().describe(
    "Signature algorithm. Default: RS256, ES256, ES384, ES512 or EdDSA, depending on the key",
  ),
  AssertionCertificate: text().optional().describe(
    "PEM certificate of the key, whose thumbprints go into the assertion's header (`x5t`, " +
      "`x5t#S256`), as Entra ID requires. Not needed if `PrivateKey` contains it as well",
  ),
};

type PrivateKeyKeys = z.output<z.ZodObject<typeof privateKeyKeys>>;

/** What a scheme requires of its keys. */
interface KeyRules {
  /** The default algorithm of RSA keys. */
  readonly rsaAlgorithm?: SigningAlgorithm;
  /** Send the key's thumbprint if no `kid` is configured. */
  readonly alwaysKeyId?: boolean;
}

/** The algorithm must be one of the first key. */
export function algorithmRule(keys: PrivateKeyKeys, complain: Complain): void {
  const { algorithms } = keys.PrivateKey[0];
  const algorithm = keys.AssertionAlgorithm;
  if (algorithm === undefined || algorithms.includes(algorithm)) return;
  complain(
    "AssertionAlgorithm",
    `does not fit PrivateKey, which signs with ${algorithms.join(", ")}`,
  );
}

/** The certificate must be that of the first key. */
export function certificateRule(keys: PrivateKeyKeys, complain: Complain): void {
  const { fault } = certificateOf(keys) ?? {};
  if (fault !== undefined) complain(certificateKey(keys), fault);
}

export function certificateWarnings(keys: PrivateKeyKeys): Warning[] {
  const { certificate } = certificateOf(keys) ?? {};
  const message = certificate && expiryWarning(certificate.expiresAtMs, Date.now());
  return message === undefined ? [] : [{ key: certificateKey(keys), message }];
}

/** The client authentication with an assertion that a private key signs. */
export function keyAssertionOf(keys: PrivateKeyKeys, rules: KeyRules = {}): KeyAssertion {
  const [first, ...others] = keys.PrivateKey;
  return {
    method: "private_key_jwt",
    keys: [keyOf(first, keys, rules), ...others.map((key) => keyOf(key, {}, rules))],
    certificate: certificateOf(keys)?.certificate,
    assertion: assertionOf(keys),
  };
}

export function assertionOf(keys: z.output<z.ZodObject<typeof assertionKeys>>): AssertionConfig {
  return { audience: keys.AssertionAudience, lifetimeSeconds: keys.AssertionLifetimeSeconds };
}

function keyOf(
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

function certificateOf(keys: PrivateKeyKeys): ReturnType<typeof assertionCertificate> | undefined {
  const [first] = keys.PrivateKey;
  const pem = keys.AssertionCertificate ??
    (first.certificates.length > 0 ? first.certificates.join("\n") : undefined);
  return pem === undefined ? undefined : assertionCertificate(pem, first.key);
}

function certificateKey(keys: PrivateKeyKeys): string {
  return keys.AssertionCertificate === undefined ? "PrivateKey" : "AssertionCertificate";
}
