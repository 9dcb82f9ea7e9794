/**
 * `Proxy`: the HTTP proxy to stores and identity providers, and the hosts that are contacted without it.
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import { isHost, unbracketed } from "../values/host_names.ts";
import { keysOf } from "../values/keys_of.ts";
import { httpUrl, network, secret, text } from "../values/value_schemas.ts";

const exception = text().transform((value) => unbracketed(value).toLowerCase().replace(/\.$/, ""))
  .refine(
    (value) => isNetwork(value) || isNameOrDomain(value),
    "must be a host name, a domain such as .hospital.example, an IP address or a network such as 10.1.0.0/16",
  );

export const proxy = keysOf(
  {
    Url: httpUrl().refine(
      (url) => /^https?:\/\/[^/]*\/?$/i.test(url),
      "must not have a path: proxy auto-configuration (PAC) is not supported; its file names the proxy",
    ).describe("URL of the proxy, without a user name or path (PAC files are not supported)"),
    Username: text().optional().describe("User name at the proxy"),
    Password: secret().optional().describe("Password at the proxy"),
    Except: z.array(exception).default([]).describe(
      "Hosts that are contacted directly: names, domains with all names below them " +
        "(`.hospital.example`), IP addresses and networks (`10.0.0.0/8`). Addresses match URLs that " +
        "contain an address; names are not resolved. Loopback addresses and `localhost` are always " +
        "contacted directly",
    ),
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
  except: keys.Except,
}));

export type ProxyConfig = Frozen<z.output<typeof proxy>>;

/** `Proxy` of one server or issuer: its hosts are contacted directly. */
export const noProxy = z.literal(false, {
  error: "must be false; the proxy itself is configured at the top level",
});

function isNetwork(value: string): boolean {
  return network.safeParse(value).success;
}

function isNameOrDomain(value: string): boolean {
  const name = value.replace(/^\./, "");
  // A last label that is a number makes it an address (WHATWG URL).
  return isHost(name) && !name.includes(":") && !/(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(name);
}
