/**
 * The DICOMweb servers configured in a running Orthanc, by the REST API of its DICOMweb plugin
 * (Orthanc Book, "DICOMweb plugin"). Passwords and the values of headers can be set there but not read.
 */
import { GatewayError } from "../errors/gateway_error.ts";
import { hostAndPort } from "../config/values/host_names.ts";
import { readText } from "./bounded_body.ts";
import { HttpClient } from "./http_client.ts";
import { redirectOrigin } from "./redirect_origin.ts";

/** A server as Orthanc describes it; flags come as text. */
export type KnownServer = Readonly<Record<string, unknown>>;

/** A server takes about 1 KiB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export class OrthancServers {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #http: HttpClient;

  /**
   * @param url Orthanc's URL, without a trailing slash.
   * @param authorization Sent as `Authorization`.
   */
  constructor(url: string, authorization: string | undefined) {
    this.#url = `${url}/dicom-web/servers`;
    this.#headers = authorization === undefined ? {} : { authorization };
    this.#http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  }

  /**
   * The configured servers, by name.
   *
   * @throws {GatewayError} When it does not answer, or is no Orthanc with the plugin.
   */
  async list(): Promise<Readonly<Record<string, KnownServer>>> {
    const text = await this.#send("GET", "?expand");
    try {
      const known: unknown = JSON.parse(text);
      if (typeof known === "object" && known !== null && !Array.isArray(known)) {
        return known as Record<string, KnownServer>;
      }
    } catch {
      // Reported below.
    }
    throw new GatewayError("NET-002", "Cannot read the servers of Orthanc: it did not return JSON");
  }

  /**
   * Adds or changes a server.
   *
   * @throws {GatewayError} When Orthanc rejects it.
   */
  async set(name: string, server: object): Promise<void> {
    await this.#send("PUT", `/${name}`, JSON.stringify(server));
  }

  close(): void {
    this.#http.close();
  }

  async #send(method: string, path: string, body?: string): Promise<string> {
    const response = await this.#http.send(`${this.#url}${path}`, {
      method,
      headers: this.#headers,
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await readText(response.body, MAX_ANSWER_BYTES);
    if (response.ok && text !== undefined) return text;
    const { status, headers } = response;
    const target = redirectOrigin(headers.get("location"), this.#url);
    const why = status === 401 || status === 403
      ? "wrong user name or password (--user)"
      : status === 404
      ? "is the DICOMweb plugin enabled, and its Root /dicom-web/?"
      : text === undefined
      ? `it answered more than ${MAX_ANSWER_BYTES} bytes`
      : target !== undefined
      ? `it redirects to ${target}: give that as --orthanc only if it is Orthanc's`
      : `it answered ${status}`;
    throw new GatewayError("NET-002", `Cannot configure Orthanc: ${status}: ${why}`);
  }
}
