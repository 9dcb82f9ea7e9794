/**
 * What each credential scheme states for the configuration: the values of `ProviderType` (and of other
 * keys) that choose it, its keys and the rules between them, the credentials they parse to, and what
 * these have the gateway contact and read. A new scheme is one more file that makes one of these, and
 * one more line in `schemes.ts`.
 *
 * @module
 */
import type { z } from "zod";
import type { ClientCertificate } from "../keys/client_certificate.ts";
import type { Rule } from "../values/keys_of.ts";

/** What credentials have the gateway contact, read and write while it runs. */
export interface Reach {
  /** URLs whose hosts are contacted, besides the store's own. */
  readonly urls: readonly string[];
  /** Those of `urls` that are contacted only if a discovery document says so. */
  readonly possibleUrls: readonly string[];
  /**
   * URLs of metadata services of this machine or its platform: contacted as well, but never through
   * the egress proxy, which cannot reach them, or would reach those of its own machine.
   */
  readonly localUrls: readonly string[];
  /** Absolute paths of files that are read again while the gateway runs. */
  readonly files: readonly string[];
  /** Whether something is kept in the state directory. */
  readonly state: boolean;
}

/** Credentials that reach nothing. */
const NO_REACH: Reach = {
  urls: [],
  possibleUrls: [],
  localUrls: [],
  files: [],
  state: false,
};

/** What is allowed but dangerous, with the key that it is about. */
export interface Warning {
  readonly key: string;
  readonly message: string;
}

/** The keys of every server that a scheme may look at. */
export interface StoreKeys {
  readonly Url: string;
  readonly ClientCertificate?: ClientCertificate | undefined;
}

/** A server's keys as written, before they are parsed. */
export type WrittenKeys = Readonly<Record<string, unknown>>;

type Parsed<Shape extends z.core.$ZodLooseShape> = z.output<z.ZodObject<Shape>> & StoreKeys;

/** One credential scheme. */
export interface Scheme<
  Credentials = unknown,
  Shape extends z.core.$ZodLooseShape = z.core.$ZodLooseShape,
> {
  /** Its name in messages: "AWS" makes "AWS needs Region". */
  readonly title: string;
  /** What it is, in a sentence for the reference. */
  readonly description: string;
  /** The keys whose values choose this scheme, with those values. */
  readonly chosenBy: Readonly<Record<string, readonly string[]>>;
  /** Whether the other keys fit, where the keys that choose leave more than one scheme. */
  readonly applies?: (written: WrittenKeys) => boolean;
  /** Its keys, those that choose it included; what is not optional is required. */
  readonly keys: Shape;
  readonly rules?: readonly Rule<Parsed<Shape>>[];
  readonly credentials: (keys: Parsed<Shape>) => Credentials;
  readonly reach?: (credentials: Credentials) => Partial<Reach>;
  readonly warnings?: (keys: Parsed<Shape>) => readonly Warning[];
}

/** A scheme whose types are known to itself alone. */
export interface AnyScheme<Credentials = unknown> extends
  Omit<
    Scheme<Credentials>,
    "rules" | "credentials" | "reach" | "warnings"
  > {
  readonly rules: readonly Rule<never>[];
  readonly parse: (keys: never) => {
    readonly credentials: Credentials;
    readonly reach: Reach;
    readonly warnings: readonly Warning[];
  };
}

/** Makes a scheme. */
export function scheme<Credentials, Shape extends z.core.$ZodLooseShape>(
  { rules = [], credentials, reach, warnings, ...rest }: Scheme<Credentials, Shape>,
): AnyScheme<Credentials> {
  return {
    ...rest,
    rules: rules as readonly Rule<never>[],
    parse: (keys) => {
      const made = credentials(keys);
      return {
        credentials: made,
        reach: { ...NO_REACH, ...reach?.(made) },
        warnings: warnings?.(keys) ?? [],
      };
    },
  };
}
