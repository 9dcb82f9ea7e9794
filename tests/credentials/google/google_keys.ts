/**
 * A service account's key for tests, made once.
 */
import { generateKeyPairSync } from "node:crypto";

const pair = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

/** The email address of the service account. */
export const ACCOUNT = "gateway@clinic.iam.gserviceaccount.com";
/** The identifier of its key. */
export const KEY_ID = "3f1d9c";
/** Its private key, PEM. */
export const PRIVATE_KEY: string = pair.privateKey;
/** Its public key, PEM. */
export const PUBLIC_KEY: string = pair.publicKey;
