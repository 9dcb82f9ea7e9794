/**
 * `Proxy`: the HTTP proxy to stores and identity providers.
 */
import type { Frozen } from "../values/frozen.ts";
import type { z } from "zod";
import { keysOf } from "../values/keys_of.ts";
import { httpUrl, secret, text } from "../values/value_schemas.ts";

export const proxy = keysOf(
  {
    Url: httpUrl().describe("URL of the proxy, without a user name"),
    Username: text().optional().describe("User name at the proxy"),
    Password: secret().optional().describe("Password at the proxy"),
  },
  ({ Username: username, Password: password }, complain) => {
    if (username === undefined && password !== undefined) {
      complain("Username", "Password needs Username");
    }
    if (username !== undefined && password === undefined) {
      complain("Password", "Username needs Password");
    }
  },
).transform((keys) => ({
  url: new URL(keys.Url).href,
  username: keys.Username,
  password: keys.Password,
}));

export type ProxyConfig = Frozen<z.output<typeof proxy>>;
