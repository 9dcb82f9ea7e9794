/**
 * The kinds of values of a configuration. Numbers and booleans may also be text, the result of
 * `${NAME}`. Messages do not contain the value.
 */
import { resolve } from "node:path";
import { z } from "zod";
import { asciiFault } from "./damaged_value.ts";
import { isHost } from "./host_names.ts";
import { certificatesFault, certificatesIn } from "./pem.ts";
import { Secret } from "./secret.ts";
import { sources } from "./sources.ts";
import { isPath, NO_PATH, unreadableFile } from "./unreadable_file.ts";

/** The schemas of values that are or contain secrets. */
export const secretKinds: z.core.$ZodRegistry<SecretKind> = z.registry<SecretKind>();

export interface SecretKind {
  readonly isSecret: (value: string) => boolean;
  /** Whether it is PEM or JSON rather than one line. */
  readonly isDocument?: boolean;
  /** Whether it may contain only printable ASCII (RFC 6749, appendix A). */
  readonly isAscii?: boolean;
}

/** Every value of the schema is a secret. */
export const ALWAYS_SECRET: SecretKind = { isSecret: () => true };

/** The same of keys in PEM or JSON. */
export const SECRET_DOCUMENT: SecretKind = { isSecret: () => true, isDocument: true };

/** Text that is not empty. */
export function text(): z.ZodString {
  return z.string().min(1);
}

/** Text without control characters, such as line breaks. */
export function line(): z.ZodString {
  return text().regex(/^\P{Cc}+$/u, "must not contain control characters");
}

/** The characters of client identifiers and secrets (RFC 6749, appendix A). */
export function visibleAscii(): z.ZodString {
  return text().superRefine((value, context) => {
    const message = asciiFault(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

/** A secret of any form; one line by default. */
export function secret(form: z.ZodString = line(), kind = ALWAYS_SECRET): z.ZodPipe<
  z.ZodString,
  z.ZodTransform<Secret, string>
> {
  return form.register(secretKinds, kind).transform((value) => new Secret(value));
}

/** The absolute path of a file that is read or written while the gateway runs. */
export function filePath(): z.ZodPipe<z.ZodString, z.ZodTransform<string, string>> {
  return text().refine(isPath, NO_PATH).transform((path) => resolve(sources().directory, path));
}

/** The path of a file that is read with the configuration; parses to its content. */
export function fileContent(): z.ZodPipe<z.ZodString, z.ZodTransform<string, string>> {
  return text().transform(async (path, context) => {
    const text = await sources().read(path);
    if ("content" in text) return text.content;
    context.addIssue({ code: "custom", message: unreadableFile(path, text.failure) });
    return z.NEVER;
  });
}

/** The path of a file of PEM certificates; parses to each with its armour, at least one. */
export function certificatesFile(): z.ZodPipe<
  ReturnType<typeof fileContent>,
  z.ZodTransform<string[], string>
> {
  return fileContent().transform((pem, context) => {
    const message = certificatesFault(pem);
    if (message !== undefined) context.addIssue({ code: "custom", message });
    return certificatesIn(pem);
  });
}

/** `true` or `false`. */
export function flag(): z.ZodPreprocess<z.ZodBoolean> {
  return z.preprocess(flagFromText, z.boolean());
}

/** The boolean that a text says; other values unchanged. */
export function flagFromText(value: unknown): unknown {
  return value === "true" ? true : value === "false" ? false : value;
}

/** A whole number within bounds, both allowed. */
export function whole(least: number, most: number): z.ZodPreprocess<z.ZodInt> {
  return z.preprocess(numberFromText, z.int().min(least).max(most));
}

/** A number within bounds, both allowed. */
export function decimal(least: number, most: number): z.ZodPreprocess<z.ZodNumber> {
  return z.preprocess(numberFromText, z.number().min(least).max(most));
}

const DAY_SECONDS = 86_400;

/** A time in seconds, of at most a day; parses to milliseconds. */
export function seconds(
  least: number,
): z.ZodPipe<z.ZodPreprocess<z.ZodNumber>, z.ZodTransform<number, number>> {
  return decimal(least, DAY_SECONDS).transform((value) => Math.round(value * 1_000));
}

/** A time in seconds that must not be 0; parses to milliseconds. */
export function waitSeconds(): ReturnType<typeof seconds> {
  return seconds(0.001);
}

/** An `https:` or `http:` URL; `query` allows a query. */
export function httpUrl({ query = false }: { readonly query?: boolean } = {}): z.ZodString {
  return z.string().superRefine((value, context) => {
    const message = urlFault(value, query);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

/** Whether a text that is no value of a key, such as an environment variable, is such a URL. */
export function isHttpUrl(text: string, parts: { readonly query?: boolean } = {}): boolean {
  return urlFault(text, parts.query ?? false) === undefined;
}

function numberFromText(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** `new URL` accepts too much for URLs that credentials are sent to. */
function urlFault(value: string, queryAllowed: boolean): string | undefined {
  if (!/^https?:\/\/[^/?#]/i.test(value)) {
    return "must be a URL that starts with https:// or http://";
  }
  // deno-lint-ignore no-control-regex
  if (/[\s\\\u0000-\u001f\u007f]/.test(value)) return "must not contain blanks or backslashes";
  if (/[{}<>]/.test(value)) {
    return "contains a placeholder in braces: write what belongs there, for Entra ID the GUID of " +
      "your tenant";
  }
  const url = URL.parse(value);
  if (url === null || !isHost(url.hostname)) {
    return "must be a URL with a host name, as in https://store.example/";
  }
  if (url.username !== "" || url.password !== "" || /^https?:\/\/[^/?#]*@/i.test(value)) {
    return "must not contain a user name or password";
  }
  if (value.includes("#")) return "must not contain a fragment (#…)";
  if (!queryAllowed && value.includes("?")) return "must not contain a query (?…)";
  return undefined;
}

/** An IP address, or a network in CIDR notation. */
export const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: "must be an IP address or a network such as 10.1.0.0/16",
});
