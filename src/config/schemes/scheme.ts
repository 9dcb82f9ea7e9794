/**
 * The parts of a credential scheme: its keys, of which the values of `ProviderType` and
 * `ClientAuthentication` choose it, the rules between them, the credentials they parse to, and what
 * these contact and read. A new scheme is one more file with one of these, and one more line in
 * `schemes.ts`.
 */
import type { z } from "zod";
import type { ClientCertificate } from "../keys/client_certificate.ts";
import type { Rule } from "../values/keys_of.ts";

/** What the gateway contacts, reads and writes at run time because of credentials. */
export interface Reach {
  /** URLs whose hosts are contacted, besides the store's. */
  readonly urls: readonly string[];
  /** Those of `urls` that are contacted only if a discovery document names them. */
  readonly possibleUrls: readonly string[];
  /**
   * URLs of metadata services of this machine or its platform: also contacted, but never through the
   * egress proxy, which cannot reach them, or would reach those of its own machine.
   */
  readonly localUrls: readonly string[];
  /** Absolute paths of files that are read at run time. */
  readonly files: readonly string[];
  /** Whether the state directory is used. */
  readonly state: boolean;
}

const NO_REACH: Reach = { urls: [], possibleUrls: [], localUrls: [], files: [], state: false };

/** What is allowed but dangerous about a key. */
export interface Warning {
  readonly key: string;
  readonly message: string;
}

/** The keys of every server that schemes may read. */
export interface StoreKeys {
  readonly Url: string;
  readonly ClientCertificate?: ClientCertificate | undefined;
}

/** A server's keys before parsing. */
export type WrittenKeys = Readonly<Record<string, unknown>>;

/** The keys that choose a scheme. */
export const CHOOSING_KEYS = ["ProviderType", "ClientAuthentication"] as const;

type Parsed<Shape extends z.core.$ZodLooseShape> = z.output<z.ZodObject<Shape>> & StoreKeys;

interface Scheme<
  Credentials = unknown,
  Shape extends z.core.$ZodLooseShape = z.core.$ZodLooseShape,
> {
  /** Its name in messages: "AWS" makes "AWS needs Region". */
  readonly title: string;
  /** One sentence for the reference. */
  readonly description: string;
  /** Whether the other keys fit, if the choosing keys fit several schemes. */
  readonly applies?: (written: WrittenKeys) => boolean;
  /** Its keys, including those that choose it. */
  readonly keys: Shape;
  readonly rules?: readonly Rule<Parsed<Shape>>[];
  readonly credentials: (keys: Parsed<Shape>) => Credentials;
  readonly reach?: (credentials: Credentials) => Partial<Reach>;
  readonly warnings?: (keys: Parsed<Shape>) => readonly Warning[];
}

/** A scheme without the types of its keys. */
export interface AnyScheme<Credentials = unknown>
  extends Omit<Scheme<Credentials>, "rules" | "credentials" | "reach" | "warnings"> {
  /** The keys that choose this scheme, with the values that do. */
  readonly chosenBy: Readonly<Record<string, readonly string[]>>;
  readonly rules: readonly Rule<never>[];
  readonly parse: (keys: never) => {
    readonly credentials: Credentials;
    readonly reach: Reach;
    readonly warnings: readonly Warning[];
  };
}

/** Makes a scheme; the values that choose it follow from its keys. */
export function scheme<Credentials, Shape extends z.core.$ZodLooseShape>(
  { rules = [], credentials, reach, warnings, ...rest }: Scheme<Credentials, Shape>,
): AnyScheme<Credentials> {
  return {
    ...rest,
    chosenBy: Object.fromEntries(
      CHOOSING_KEYS.filter((key) => key in rest.keys)
        .map((key) => [key, [...rest.keys[key]._zod.values] as string[]]),
    ),
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
