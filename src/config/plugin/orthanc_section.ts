/**
 * Makes entries of `DicomWeb.Servers` for Orthanc, as the documentation of its DICOMweb plugin
 * describes them.
 */
import type { GatewayConfig } from "../gateway_config.ts";
import type { ServerConfig } from "../keys/server.ts";
import { bracketed } from "../values/host_names.ts";

export interface OrthancServer {
  readonly Url: string;
  readonly Username?: string;
  readonly Password?: string;
  readonly HttpHeaders?: Readonly<Record<string, string>>;
  readonly ChunkedTransfers: boolean;
  readonly HasDelete: boolean;
  /** In seconds, for a whole request. */
  readonly Timeout: number;
}

/** How Orthanc authenticates to the gateway. */
export type OrthancLogin =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "key"; readonly header: string; readonly key: string };

/** Replaces an unknown secret: Orthanc takes it from the environment. */
export const SECRET_VARIABLE = "${DICOMWEB_GATEWAY_SECRET}";

/**
 * The entry for one server.
 *
 * @param gatewayUrl URL of the gateway for Orthanc, without a trailing slash.
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
    // The gateway streams: Orthanc need not buffer a whole study.
    ChunkedTransfers: true,
    HasDelete: !server.readOnly,
    // Orthanc's default of 60 s includes the whole transfer.
    Timeout: Math.ceil(server.timeouts.transferMs / 1_000),
  };
}

/** The gateway's URL without a trailing slash; `undefined` if the configuration does not define it. */
export function gatewayUrl({ publicUrl, listen }: GatewayConfig): string | undefined {
  if (publicUrl !== undefined) return publicUrl;
  const { address, port, tls } = listen;
  if (port === 0 || address === "0.0.0.0" || address === "::") return undefined;
  return `${tls === undefined ? "http" : "https"}://${bracketed(address)}:${port}`;
}
