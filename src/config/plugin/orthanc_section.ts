/**
 * What an Orthanc must know to use the gateway's servers: entries of `DicomWeb.Servers` as the
 * DICOMweb plugin of Orthanc documents them.
 *
 * @module
 */
import type { GatewayConfig } from "../gateway_config.ts";
import type { ServerConfig } from "../keys/server.ts";

/** One entry of `DicomWeb.Servers`. */
export interface OrthancServer {
  readonly Url: string;
  readonly Username?: string;
  readonly Password?: string;
  readonly HttpHeaders?: Readonly<Record<string, string>>;
  readonly ChunkedTransfers: boolean;
  readonly HasDelete: boolean;
  /** Seconds that a request may take. */
  readonly Timeout: number;
}

/** How Orthanc shows the gateway who it is. */
export type OrthancLogin =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "key"; readonly header: string; readonly key: string };

/** What stands for the secret where it is not known: Orthanc takes it from the environment. */
export const SECRET_VARIABLE = "${DICOMWEB_GATEWAY_SECRET}";

/**
 * An entry for one server.
 *
 * @param gatewayUrl URL of the gateway as Orthanc reaches it, without a trailing slash.
 * @param login How Orthanc shows who it is.
 */
export function orthancServer(
  server: ServerConfig,
  gatewayUrl: string,
  login: OrthancLogin,
): OrthancServer {
  return {
    Url: `${gatewayUrl}/dicom-web/${server.name}/`,
    ...(login.kind === "password" && { Username: login.username, Password: login.password }),
    ...(login.kind === "key" && { HttpHeaders: { [login.header]: login.key } }),
    // The gateway streams: Orthanc need not hold a whole study in memory first.
    ChunkedTransfers: true,
    HasDelete: !server.readOnly,
    // Orthanc's own limit of 60 s is for the whole of a transfer.
    Timeout: Math.ceil(server.timeouts.transferMs / 1_000),
  };
}

/**
 * The URL at which the gateway is reached.
 *
 * @returns The URL without a trailing slash; nothing where the configuration does not tell.
 */
export function gatewayUrl({ publicUrl, listen }: GatewayConfig): string | undefined {
  if (publicUrl !== undefined) return publicUrl;
  const { address, port, tls } = listen;
  if (port === 0 || address === "0.0.0.0" || address === "::") return undefined;
  const host = address.includes(":") ? `[${address}]` : address;
  return `${tls === undefined ? "http" : "https"}://${host}:${port}`;
}
