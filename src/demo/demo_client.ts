/**
 * The DICOMweb client of the demo. It sends what a PACS or viewer would send, without credentials.
 */
import { boundaryOf, readMultipart } from "../dicomweb/multipart/multipart_reader.ts";
import { newBoundary, writeMultipart } from "../dicomweb/multipart/multipart_writer.ts";
import { hostAndPort } from "../config/values/host_names.ts";
import { HttpClient, type HttpRequestInit } from "../network/http_client.ts";
import { tagOf } from "./dicom_dictionary.ts";
import type { DicomJson } from "./dicom_json.ts";

const STEP_TIMEOUT_MS = 30_000;

export class DemoClient {
  readonly #baseUrl: string;
  readonly #signal: AbortSignal;
  readonly #http: HttpClient;

  /** @param baseUrl Without a trailing slash. */
  constructor(baseUrl: string, signal: AbortSignal) {
    this.#baseUrl = baseUrl;
    this.#signal = signal;
    this.#http = new HttpClient({ allowlist: new Set([hostAndPort(baseUrl)]) });
  }

  /**
   * Stores instances in one request (STOW-RS); returns the SOP Instance UIDs reported as stored.
   *
   * @throws {Error} When not everything was stored.
   */
  async store(files: readonly Uint8Array<ArrayBuffer>[]): Promise<string[]> {
    const boundary = newBoundary();
    const parts = files.map((body) => ({ headers: { "Content-Type": "application/dicom" }, body }));
    const response = await this.#send("/studies", {
      method: "POST",
      headers: {
        "Accept": "application/dicom+json",
        "Content-Type": `multipart/related; type="application/dicom"; boundary=${boundary}`,
      },
      body: writeMultipart(parts, boundary),
    });
    const report: DicomJson = await response.json();
    if (response.status !== 200) throw new Error(`not all were stored (${response.status})`);
    return (report[tagOf("ReferencedSOPSequence")]?.Value ?? []).map((item) =>
      String((item as DicomJson)[tagOf("ReferencedSOPInstanceUID")]?.Value?.[0])
    );
  }

  /** Searches (QIDO-RS). */
  async search(path: string): Promise<DicomJson[]> {
    const response = await this.#send(path, { headers: { "Accept": "application/dicom+json" } });
    // A service may return no body if there are no results.
    return response.status === 204 ? [] : await response.json();
  }

  /** Retrieves the DICOM files of a study, series or instance (WADO-RS), one by one. */
  async *retrieve(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const response = await this.#send(path, {
      headers: { "Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*' },
    });
    if (response.body === null) throw new Error("the answer is empty");
    const boundary = boundaryOf(response.headers.get("content-type"));
    for await (const part of readMultipart(response.body, boundary)) {
      yield await new Response(part.body).bytes();
    }
  }

  async delete(path: string): Promise<void> {
    const response = await this.#send(path, { method: "DELETE" });
    await response.body?.cancel();
  }

  /** The status of a GET request. */
  async status(path: string): Promise<number> {
    const response = await this.#http.send(this.#baseUrl + path, { signal: this.#deadline() });
    await response.body?.cancel();
    return response.status;
  }

  close(): void {
    this.#http.close();
  }

  async #send(path: string, init: HttpRequestInit): Promise<Response> {
    const signal = this.#deadline();
    const response = await this.#http.send(this.#baseUrl + path, { ...init, signal });
    if (response.ok) return response;
    throw new Error(`the answer was ${response.status}${await explanation(response)}`);
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(STEP_TIMEOUT_MS)]);
  }
}

/** The problem details of the gateway or the store. */
async function explanation(response: Response): Promise<string> {
  try {
    const { error_code: code, message, detail } = await response.json();
    return `: ${[code, message ?? detail].filter(Boolean).join(" ")}`;
  } catch {
    return "";
  }
}
