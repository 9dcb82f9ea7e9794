/**
 * Classifies host names and addresses: what is one host at all, and which hosts are this machine or
 * near it, where neither a password nor a patient's name can be intercepted.
 */

const NAME =
  /^(?=.{1,254}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

const PRIVATE_V4 =
  /^(?:10\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)\.\d{1,3}\.\d{1,3}$/;
const PRIVATE_V6 = /^(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]*$/i;

/**
 * Whether a text is the name or address of one host; IPv6 with or without brackets. URLs allow more,
 * such as `*`, which the runtime would take for every host.
 */
export function isHost(host: string): boolean {
  const address = unbracketed(host);
  return address.includes(":")
    ? /^[0-9a-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]/`)
    : NAME.test(host);
}

/** Whether a host is `localhost` or a loopback address; IPv6 with or without brackets. */
export function isLoopback(host: string): boolean {
  const name = unbracketed(host).toLowerCase();
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

/**
 * Whether a host is certainly near: on this machine, or at an address of a private network (RFC 1918,
 * RFC 4193) or of the link (RFC 3927, RFC 4291). A name other than `localhost` could be anywhere.
 */
export function isNearby(host: string): boolean {
  const address = unbracketed(host);
  return isLoopback(host) || PRIVATE_V4.test(address) || PRIVATE_V6.test(address);
}

/** Names of networks: RFC 6761 (localhost), ICANN SAC113 (internal), services in Kubernetes. */
const INTERNAL_NAME =
  /^[^.:[\]]+(?:\.(?:[^.]+\.)*(?:localhost|internal|svc|svc\.cluster\.local))?$/i;

/**
 * Whether a host in a URL certainly means something in one network only: it is near, or has a name
 * without a dot (a container, an upstream of nginx) or below a domain for internal use. `.local` is
 * not among them: hospitals have whole domains below it.
 */
export function isInternal(host: string): boolean {
  return isNearby(host) || INTERNAL_NAME.test(host);
}

/** Whether requests to a URL are unencrypted and leave this machine. */
export function isPlaintext(url: string | undefined): boolean {
  const parsed = URL.parse(url ?? "");
  return parsed?.protocol === "http:" && !isLoopback(parsed.hostname);
}

const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Where a listener is reached on its own machine: loopback if it listens on every interface. */
export function loopbackOf(address: string): string {
  return LOOPBACK[address] ?? address;
}

/** A host as in URLs: an IPv6 address in brackets. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** An IPv6 address without its brackets; anything else as it is. */
export function unbracketed(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "redis:": 6379,
  "rediss:": 6379,
};

/** The `host:port` of an `http`, `https`, `redis` or `rediss` URL; an IPv6 address keeps its brackets. */
export function hostAndPort(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname.toLowerCase()}:${port || DEFAULT_PORTS[protocol]}`;
}
