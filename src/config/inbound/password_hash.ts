/**
 * The format of password hashes: scrypt (RFC 7914) in a PHC string,
 * `$scrypt$ln=15,r=8,p=3$<salt>$<hash>`, as `hash-password` and other programs print it. Rejects
 * hashes that are cheap to guess, or so expensive that checking them could stop the gateway.
 */

/** A hash and the parameters of scrypt. */
export interface PasswordHash {
  /** Binary logarithm of scrypt's N. */
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  /** Base64 without padding. */
  readonly salt: string;
  /** Base64 without padding. */
  readonly hash: string;
}

const FORM =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;

/** 16 bytes. */
const LEAST_SALT_CHARACTERS = 22;
/** 32 bytes. */
const LEAST_HASH_CHARACTERS = 43;
/** N × r × p of N=2^14, r=8, p=1: the lowest recommendation for logins. */
const LEAST_WORK = 2 ** 17;
/** About two seconds of one core. */
const MOST_WORK = 2 ** 22;
/** Of one check. */
const MOST_MEMORY_BYTES = 256 * 2 ** 20;

/** Parses a hash; the message about a wrong one does not contain it. */
export function readPasswordHash(text: string):
  | { readonly hash: PasswordHash; readonly fault?: undefined }
  | { readonly hash?: undefined; readonly fault: string } {
  const [, ln, r, p, salt = "", hash = ""] = FORM.exec(text) ?? [];
  const [logCost, blockSize, parallelism] = [Number(ln), Number(r), Number(p)];
  if (ln === undefined) {
    return { fault: "must be a hash as the command hash-password prints it ($scrypt$ln=…)" };
  }
  const work = 2 ** logCost * blockSize * parallelism;
  if (
    work < LEAST_WORK || salt.length < LEAST_SALT_CHARACTERS || hash.length < LEAST_HASH_CHARACTERS
  ) {
    return { fault: "is a hash too weak to be safe; make another with the command hash-password" };
  }
  if (work > MOST_WORK || 128 * 2 ** logCost * blockSize > MOST_MEMORY_BYTES) {
    return { fault: "takes too long to check; make another with the command hash-password" };
  }
  return { hash: { logCost, blockSize, parallelism, salt, hash } };
}

/** Formats a hash as {@linkcode readPasswordHash} parses it. */
export function writePasswordHash(hash: PasswordHash): string {
  const { logCost, blockSize, parallelism } = hash;
  return `$scrypt$ln=${logCost},r=${blockSize},p=${parallelism}$${hash.salt}$${hash.hash}`;
}
