/**
 * Examines one server from the bottom up: the connections to the identity provider and the store with
 * its distance, then a token, then a search, each with the code of the gateway.
 */
import type { Contact } from "../../config/sandbox/contacts.ts";
import type { GatewayConfig } from "../../config/gateway_config.ts";
import type { ServerConfig } from "../../config/keys/server.ts";
import { SECTION } from "../../config/values/section.ts";
import type { CredentialFacts } from "../../credentials/credential_facts.ts";
import { SCOPE_ADVICE } from "../../credentials/oauth2/granted_scopes.ts";
import { classify } from "../../dicomweb/transaction/transaction.ts";
import { readText } from "../../network/bounded_body.ts";
import type { Store } from "../../upstream/store.ts";
import { askCredential, SEARCH } from "./ask_credential.ts";
import { type ConnectionSettings, examineContact } from "./examine_contact.ts";
import { failure, type Finding, finding, type ServerReport, worst } from "./finding.ts";
import { type DistanceSettings, examineDistance } from "./examine_distance.ts";
import { explainAnswer } from "./explain_answer.ts";
import { explainUrls } from "./explain_urls.ts";
import { explainClocks, type SeenClock } from "./explain_clock.ts";

export interface Examination {
  readonly server: ServerConfig;
  readonly store: Store;
  /** The hosts that the gateway contacts for this server. */
  readonly contacts: readonly Contact[];
  readonly proxy: GatewayConfig["proxy"];
  /** Clocks of the servers that answer during the examination, by `host:port`. */
  readonly clocks: ReadonlyMap<string, SeenClock>;
  readonly now: () => number;
}

/** Limit of the response to a search for one study. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export async function examineServer(examination: Examination): Promise<ServerReport> {
  const { server: { name, url }, contacts, clocks } = examination;
  const storeContact = contacts.find(({ purpose }) => purpose === "store")!;
  const storeAddress = storeContact.address;
  const examined = await Promise.all(
    inOrderOfUse(contacts).map((contact) => examineContact(contact, settingsOf(examination))),
  );
  const findings = examined.flat();
  const obstacleAt = (address: string) =>
    findings.find(({ target, outcome }) => target === address && outcome === "failed");
  const unreachable = obstacleAt(storeAddress);
  const distance = unreachable === undefined
    ? await examineDistance(storeContact, distanceSettingsOf(examination))
    : skippedAfter("distance", unreachable);
  const beforeToken = contacts.filter(({ purpose, possible }) => purpose !== "store" && !possible)
    .map(({ address }) => obstacleAt(address)).find((failed) => failed !== undefined);
  const token = beforeToken === undefined
    ? await examineToken(examination)
    : skippedAfter("token", beforeToken);
  const beforeSearch = token.outcome === "ok" || token.outcome === "warn" ? unreachable : token;
  const search = beforeSearch === undefined
    ? await examineSearch(examination, storeAddress, Number(token.details["length"]))
    : [skippedAfter("search", beforeSearch)];
  findings.push(distance, token, ...search, ...explainClocks(clocks));
  return { name, url, outcome: worst(findings), findings };
}

function skippedAfter(
  step: "distance" | "token" | "search",
  { step: before, target }: Finding,
): Finding {
  const where = target === null ? "" : ` at ${target}`;
  return finding(step, null, "skipped", `Not tested: it needs the step "${before}"${where}.`);
}

/** Each host once, the identity provider's before the store. */
function inOrderOfUse(contacts: readonly Contact[]): Contact[] {
  const certain = contacts.filter(({ possible }) => !possible);
  const byAddress = new Map(certain.map((contact) => [contact.address, contact]));
  return [...byAddress.values()].sort((a, b) =>
    Number(a.purpose === "store") - Number(b.purpose === "store")
  );
}

function settingsOf({ server, proxy, now }: Examination): ConnectionSettings {
  const caKey = `${SECTION}.Servers.${server.name}.VerifySSL`;
  return { proxy, tls: server.tls, caKey, now };
}

function distanceSettingsOf({ server, proxy }: Examination): DistanceSettings {
  const key = `${SECTION}.Servers.${server.name}.Distance`;
  return { proxy, distance: server.profile.distance, key };
}

async function examineToken({ server, store, now }: Examination): Promise<Finding> {
  const target = store.authorizer.describe().endpoint ?? null;
  try {
    const { facts, lacking } = await askCredential(store, server);
    const details = { ...facts };
    const message = describe(facts, now());
    if (lacking.length === 0) return finding("token", target, "ok", message, { details });
    const lack = `It lacks a requested scope: ${lacking.join(", ")}.`;
    const advice = [`${SCOPE_ADVICE}.`];
    return finding("token", target, "warn", `${message} ${lack}`, { advice, details });
  } catch (error) {
    return failure("token", target, error);
  }
}

function describe({ kind, form, issuer, expiresAt }: CredentialFacts, nowMs: number): string {
  if (kind === "none") return "No credential is configured; requests go to the store unsigned.";
  if (form === "none") return "The credential is in the configuration.";
  const what = form === "aws" ? "AWS keys acquired" : "Token acquired";
  const by = issuer === null ? "" : `, issued by ${issuer}`;
  if (expiresAt === null) return `${what}${by}.`;
  const minutes = Math.floor((Date.parse(expiresAt) - nowMs) / 60_000);
  return `${what}${by}; it expires in ${minutes} minutes.`;
}

/** Without a public URL, the answer has the store's own URLs. */
async function examineSearch(
  { store, server }: Examination,
  address: string,
  credentialLength: number,
): Promise<Finding[]> {
  const sent = Promise.withResolvers<void>();
  try {
    const response = await store.forward({
      request: new Request("http://localhost/", {
        headers: { accept: "application/dicom+json" },
        signal: AbortSignal.timeout(server.timeouts.headersMs + server.timeouts.transferMs),
      }),
      target: SEARCH,
      transaction: classify("GET", SEARCH),
      requestId: crypto.randomUUID(),
      publicUrl: undefined,
      completed: sent.promise,
    });
    const text = await readText(response.body, MAX_ANSWER_BYTES);
    const search = explainAnswer(address, {
      status: response.status,
      contentType: response.headers.get("content-type") ?? "",
      text,
      credentialLength,
      isPlaintext: server.url.startsWith("http:"),
    });
    return search.outcome === "ok" ? [search, explainUrls(address, text ?? "", server)] : [search];
  } catch (error) {
    return [failure("search", address, error)];
  } finally {
    sent.resolve();
  }
}
