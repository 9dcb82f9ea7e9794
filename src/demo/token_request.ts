/**
 * Parses token requests (RFC 6749, sections 2.3 and 4.4).
 */

export interface TokenRequest {
  readonly grantType: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[] | undefined;
  /** The `audience`, or the `resource` of RFC 8707. */
  readonly audience: string | undefined;
}

/** Error codes of the token endpoint (RFC 6749, section 5.2; RFC 8707, section 2). */
export type OAuthErrorCode =
  | "invalid_request"
  | "invalid_client"
  | "invalid_scope"
  | "invalid_target"
  | "unsupported_grant_type";

export class OAuthRefusal extends Error {
  override readonly name = "OAuthRefusal";
  readonly code: OAuthErrorCode;

  constructor(code: OAuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): 400 | 401 {
    return this.code === "invalid_client" ? 401 : 400;
  }
}

/**
 * @param headers By lower-case name.
 * @throws {OAuthRefusal} invalid_request or invalid_client.
 */
export function tokenRequest(
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
): TokenRequest {
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(headers["content-type"] ?? "")) {
    throw new OAuthRefusal("invalid_request", "the body must be application/x-www-form-urlencoded");
  }
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) throw new OAuthRefusal("invalid_request", "a parameter is repeated");
    // "Parameters sent without a value MUST be treated as if they were omitted."
    if (value !== "") form.set(name, value);
  }
  const client = clientCredentials(headers["authorization"], form);
  const grantType = form.get("grant_type");
  if (grantType === undefined) throw new OAuthRefusal("invalid_request", "grant_type is missing");
  return {
    grantType,
    ...client,
    scopes: form.get("scope")?.split(" "),
    audience: form.get("audience") ?? form.get("resource"),
  };
}

function clientCredentials(
  authorization: string | undefined,
  form: ReadonlyMap<string, string>,
): { clientId: string; clientSecret: string } {
  const [clientId, clientSecret] = [form.get("client_id"), form.get("client_secret")];
  if (authorization === undefined) {
    if (clientId === undefined || clientSecret === undefined) {
      throw new OAuthRefusal("invalid_client", "the client did not authenticate");
    }
    return { clientId, clientSecret };
  }
  const basic = decodeBasic(authorization);
  if (clientSecret !== undefined || (clientId ?? basic.clientId) !== basic.clientId) {
    throw new OAuthRefusal("invalid_request", "the client must authenticate in one way only");
  }
  return basic;
}

/** HTTP Basic with both parts form-encoded (RFC 6749, section 2.3.1). */
function decodeBasic(authorization: string): { clientId: string; clientSecret: string } {
  try {
    const encoded = /^Basic +([^ ]+)$/i.exec(authorization)?.[1] ?? "";
    const [id, secret] = atob(encoded).split(/:(.*)/s);
    return { clientId: decodeForm(id ?? ""), clientSecret: decodeForm(secret ?? "") };
  } catch (cause) {
    const message = "the Authorization header cannot be read";
    throw new OAuthRefusal("invalid_client", message, { cause });
  }
}

function decodeForm(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}
