/**
 * `Cors`: the origins of web pages whose scripts may use the gateway.
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import { keysOf } from "../values/keys_of.ts";

/** An origin as browsers send it (RFC 6454, section 6.2), or `*` for every one. */
const origin = z.string().refine(
  (value) => value === "*" || (URL.canParse(value) && new URL(value).origin === value),
  "must be an origin as browsers send it, such as https://viewer.example:3000 (no path, no slash at the end)",
);

export const cors = keysOf({
  AllowedOrigins: z.array(origin).min(1).describe(
    "Allowed origins, such as `https://viewer.example`; `*` for every page",
  ),
}).transform((keys) => ({ allowedOrigins: keys.AllowedOrigins }));

export type CorsConfig = Frozen<z.output<typeof cors>>;
