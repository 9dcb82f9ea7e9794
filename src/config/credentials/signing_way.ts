/**
 * What each way of signing tells the configuration: the values of `ProviderType` (and of other keys)
 * that choose it, its keys with those it cannot do without, and what comes of them. A new way is one
 * more file that makes one of these, and one more line in `signing_ways.ts`.
 *
 * @module
 */
import { z } from "zod";
import type { CredentialsConfig } from "../gateway_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";

/** One way of signing, as the configuration sees it. */
export interface SigningWay {
  /** What it is called in messages: "AWS" makes "AWS needs Region". */
  readonly title: string;
  /** What it is, in a sentence for the reference. */
  readonly description: string;
  /** The keys whose values choose this way, with those values. */
  readonly chosenBy: Readonly<Record<string, readonly string[]>>;
  /** Whether the other keys fit, where the keys that choose leave more than one way. */
  applies(raw: RawKeys): boolean;
  /** Names of the environment variables that it takes settings from. */
  readonly environment: readonly string[];
  /** Its keys, those that choose it included; what is not optional is required. */
  readonly keys: z.core.$ZodLooseShape;
  /**
   * Checks what the keys mean together.
   *
   * @param raw The server's object as written, also when some of its keys are wrong.
   * @param context Where it stands.
   */
  check(raw: RawKeys, context: ReadContext): void;
  /**
   * Makes what signing needs.
   *
   * @param raw The server's object, found right.
   * @param context Where it stands.
   * @returns The credentials.
   */
  read(raw: RawKeys, context: ReadContext): CredentialsConfig;
}

/** What a way of signing is made of. */
export interface SigningWayParts<Shape extends z.core.$ZodLooseShape>
  extends Pick<SigningWay, "title" | "description" | "chosenBy"> {
  readonly keys: Shape;
  readonly applies?: SigningWay["applies"];
  readonly environment?: readonly string[];
  readonly check?: SigningWay["check"];
  /** Makes what signing needs from the keys, checked; `raw` has those of the server as well. */
  readonly build: (
    keys: z.output<z.ZodObject<Shape>>,
    context: ReadContext,
    raw: RawKeys,
  ) => CredentialsConfig;
}

/**
 * Makes a way of signing.
 *
 * @param parts What it is made of.
 * @returns The way, without the types of its keys.
 */
export function signingWay<Shape extends z.core.$ZodLooseShape>(
  parts: SigningWayParts<Shape>,
): SigningWay {
  const { title, description, chosenBy, keys } = parts;
  const schema = z.object(keys);
  return {
    title,
    description,
    chosenBy,
    applies: parts.applies ?? (() => true),
    environment: parts.environment ?? [],
    keys,
    check: parts.check ?? (() => {}),
    read: (raw, context) => parts.build(schema.parse(raw), context, raw),
  };
}
