/**
 * The kinds of values a configuration holds. Numbers and booleans may also come as text, because
 * that is what `${NAME}` leaves behind. Complaints are sentences without the value itself.
 *
 * @module
 */
import { z } from "zod";
import { isHost } from "./host_names.ts";

/** Marks the keys whose value is the path of a file, which the supervisor reads for the worker. */
export const fileKeys: z.core.$ZodRegistry<{ readonly file: true }> = z.registry<{
  readonly file: true;
}>();

/** @returns A schema of text that is not empty. */
export function text(): z.ZodString {
  return z.string().min(1);
}

/** @returns A schema of the path of a file that is read along with the configuration. */
export function filePath(): z.ZodString {
  return text().register(fileKeys, { file: true });
}

/** @returns A schema of `true` and `false`. */
export function flag(): z.ZodPreprocess<z.ZodBoolean> {
  return z.preprocess(
    (value) => value === "true" ? true : value === "false" ? false : value,
    z.boolean(),
  );
}

/**
 * A whole number within bounds.
 *
 * @param least The least value allowed.
 * @param most The greatest value allowed.
 * @returns Its schema.
 */
export function whole(
  least: number,
  most: number,
): z.ZodPreprocess<z.ZodInt> {
  return z.preprocess(fromText, z.int().min(least).max(most));
}

/**
 * A number within bounds, fractions allowed.
 *
 * @param least The least value allowed.
 * @param most The greatest value allowed.
 * @returns Its schema.
 */
export function decimal(
  least: number,
  most: number,
): z.ZodPreprocess<z.ZodNumber> {
  return z.preprocess(fromText, z.number().min(least).max(most));
}

/** The longest time that may be configured: a day. */
export const DAY_SECONDS = 86_400;

/**
 * A duration of time that is waited for, so never none at all.
 *
 * @returns The schema of a number of seconds of at most a day.
 */
export function seconds(): z.ZodPreprocess<z.ZodNumber> {
  return decimal(0.001, DAY_SECONDS);
}

/**
 * An `https:` or `http:` URL.
 *
 * @param parts What it may hold beyond host, port and path.
 * @returns Its schema.
 */
export function httpUrl(parts: { readonly query?: boolean } = {}): z.ZodString {
  return z.string().superRefine((value, context) => {
    const message = urlFault(value, parts.query ?? false);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

function fromText(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** `new URL` forgives too much to be trusted with where credentials are sent. */
function urlFault(value: string, queryAllowed: boolean): string | undefined {
  if (!/^https?:\/\/[^/?#]/i.test(value)) {
    return "must be a URL that starts with https:// or http://";
  }
  // deno-lint-ignore no-control-regex
  if (/[\s\\\u0000-\u001f\u007f]/.test(value)) return "must not hold blanks or backslashes";
  const url = URL.parse(value);
  if (url === null || !isHost(url.hostname)) {
    return "must be a URL with a host name, as in https://store.example/";
  }
  if (url.username !== "" || url.password !== "" || /^https?:\/\/[^/?#]*@/i.test(value)) {
    return "must not hold a user name or password";
  }
  if (value.includes("#")) return "must not hold a fragment (#…)";
  if (!queryAllowed && value.includes("?")) return "must not hold a query (?…)";
  return undefined;
}
