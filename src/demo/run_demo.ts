/**
 * The demo: an identity provider and a DICOMweb store on loopback, the gateway in front of them, and the
 * round trip of a study. Nothing leaves the machine, and nothing is written to disk.
 */
import { reasonOf } from "../errors/reason.ts";
import { DemoClient } from "./demo_client.ts";
import { type DicomWebStore, startDicomWebStore } from "./dicomweb_store.ts";
import { type IdentityProvider, startIdentityProvider } from "./identity_provider.ts";
import { freePort } from "./loopback_server.ts";
import { makeRoundTrip } from "./round_trip.ts";
import { makeSyntheticStudy } from "./synthetic_study.ts";

/** The configuration of the gateway, as in a file. */
export interface DemoConfiguration {
  readonly DicomWebOAuth: Readonly<Record<string, unknown>>;
}

export interface DemoGateway {
  /** Scheme, host and port, without a trailing slash. */
  readonly url: string;
  close(): Promise<void>;
}

export interface DemoOptions {
  /** Whether to end after the round trip. */
  readonly once: boolean;
  readonly startGateway: (configuration: DemoConfiguration) => Promise<DemoGateway>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  readonly ports?: typeof PORTS;
}

const PORTS = { gateway: 8043, store: 8044, identityProvider: 8045 };
const SERVER = "demo";
const CLIENT_ID = "demo-gateway";
const SCOPE = "dicomweb";
const AUDIENCE = "https://store.demo.invalid";
/** Short, so that the renewal of the token can be watched. */
const TOKEN_LIFE_SECONDS = 60;
const TOKEN_REFRESH_BUFFER_SECONDS = 20;

/** Runs the demo; returns whether all steps worked. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { print, signal } = options;
  const ports = options.ports ?? PORTS;
  const clientSecret = crypto.randomUUID();
  await using running = new AsyncDisposableStack();

  print("DICOMweb OAuth Gateway: a demonstration with synthetic images, on this computer only.");
  print("");
  const provider = await startIdentityProvider({
    port: ports.identityProvider,
    clientId: CLIENT_ID,
    clientSecret,
    scopes: [SCOPE],
    audiences: [AUDIENCE],
    tokenLifeSeconds: TOKEN_LIFE_SECONDS,
  });
  running.defer(() => provider.close());
  const { issuer, jwksUri } = provider;
  const store = startDicomWebStore({
    port: ports.store,
    jwksUri,
    issuer,
    audience: AUDIENCE,
    scope: SCOPE,
  });
  running.defer(() => store.close());
  const gatewayPort = freePort(ports.gateway);
  let gateway: DemoGateway;
  try {
    gateway = await options.startGateway({
      DicomWebOAuth: section(provider, store, gatewayPort, clientSecret),
    });
  } catch (error) {
    print(`✗ Start the gateway: ${reasonOf(error)}`);
    return false;
  }
  running.defer(() => gateway.close());

  print(
    `Identity provider  ${issuer}  (issues access tokens valid for ${TOKEN_LIFE_SECONDS} s)`,
  );
  print(`DICOMweb store     ${store.url}  (requires a token with every request)`);
  print(`Gateway            ${gateway.url}  (adds the token, so that its clients need none)`);
  printMovedPorts(print, [
    ["identity provider", ports.identityProvider, provider.port],
    ["store", ports.store, store.port],
    ["gateway", ports.gateway, gatewayPort],
  ]);
  print("");

  const throughGateway = `${gateway.url}/dicom-web/${SERVER}`;
  const study = makeSyntheticStudy();
  const allWorked = await makeRoundTrip({
    provider,
    store,
    study,
    throughGateway,
    tokenLifeSeconds: TOKEN_LIFE_SECONDS,
    print,
    signal,
  });
  if (signal.aborted) return false;
  print("");
  print(allWorked ? "Every step worked." : "Not every step worked: see the lines marked ✗.");
  if (options.once) return allWorked;

  const client = new DemoClient(throughGateway, signal);
  running.defer(() => client.close());
  try {
    await client.store(study.instances.map((each) => each.file));
    print("The study is stored once more, so that there is something to look at.");
  } catch (error) {
    if (!signal.aborted) print(`✗ Store the study once more: ${reasonOf(error)}`);
  }
  for (const line of thingsToTry(gateway.url, throughGateway, store.url)) print(line);
  await aborted(signal);
  print("Stopping.");
  return allWorked;
}

function section(
  provider: IdentityProvider,
  store: DicomWebStore,
  port: number,
  clientSecret: string,
): Record<string, unknown> {
  return {
    ConfigVersion: "2.0",
    // Fewer log lines between the output of the demo.
    LogLevel: "WARNING",
    Listen: { Address: "127.0.0.1", Port: port },
    TokenCache: { Backend: "memory" },
    Servers: {
      [SERVER]: {
        Url: store.url,
        TokenEndpoint: provider.tokenEndpoint,
        ClientId: CLIENT_ID,
        ClientSecret: clientSecret,
        Scope: SCOPE,
        Audience: AUDIENCE,
        TokenRefreshBufferSeconds: TOKEN_REFRESH_BUFFER_SECONDS,
      },
    },
  };
}

function printMovedPorts(
  print: (line: string) => void,
  ports: readonly (readonly [who: string, wanted: number, taken: number])[],
): void {
  for (const [who, wanted, taken] of ports) {
    if (wanted !== 0 && wanted !== taken) {
      print(`Port ${wanted} is in use, so the ${who} listens on port ${taken}.`);
    }
  }
}

function thingsToTry(gateway: string, throughGateway: string, store: string): string[] {
  const api = `${gateway}/dicomweb-oauth`;
  const commands: readonly (readonly [what: string, command: string])[] = [
    ["The study, found through the gateway", `curl "${throughGateway}/studies"`],
    ["Its series", `curl "${throughGateway}/series?PatientID=DEMO-0001"`],
    ["The store itself rejects requests without a token", `curl -i "${store}/studies"`],
    ["How everything is, in a browser", `${gateway}/`],
    ["How the gateway is", `curl "${api}/status"`],
    ["Its stores, and their tokens as they are renewed", `curl "${api}/servers"`],
    ["Ask for a new token now", `curl -X POST "${api}/servers/${SERVER}/test"`],
    ["Metrics for Prometheus", `curl "${api}/metrics"`],
    ["For Orthanc or a viewer, as a DICOMweb server without a password", `${throughGateway}/`],
  ];
  return [
    "",
    "Try, in another terminal:",
    ...commands.flatMap(([what, command]) => [`  ${what}:`, `    ${command}`]),
    "",
    "Ctrl+C ends the demonstration.",
  ];
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
