/**
 * Asks a gateway that runs on this machine for its own faults, without credentials.
 */
import { answerSchemas } from "../../gateway/pages/answer_schemas.ts";
import { askPage, type HealthAddress } from "../../network/ask_health.ts";
import { type Finding, finding } from "./finding.ts";

const TIMEOUT_MS = 5_000;

/**
 * @param target The `host:port` that it listens on.
 * @param isProtected Whether it requires credentials: a request without would be a security event.
 */
export async function examineRunning(
  address: HealthAddress,
  { target, isProtected }: { readonly target: string; readonly isProtected: boolean },
): Promise<Finding[]> {
  const status = isProtected ? undefined : await statusOf(address);
  // It requires credentials, or is of another version.
  if (status === undefined) return [await examineReadiness(address, target)];
  if (status.faults.length === 0) {
    return [finding("gateway", target, "ok", "It reports no problems of its own.")];
  }
  return status.faults.map(({ kind, since, title, reason, stops, remedy }) =>
    finding(
      "gateway",
      target,
      stops === null ? "warn" : "failed",
      `${title}, since ${since}: ${reason.replace(/\.$/, "")}.`,
      { advice: [remedy], details: { kind, since, stops } },
    )
  );
}

async function statusOf(address: HealthAddress) {
  try {
    const { text } = await askPage(address, "/dicomweb-oauth/status", TIMEOUT_MS);
    return answerSchemas.Status.safeParse(JSON.parse(text)).data?.data;
  } catch {
    return undefined;
  }
}

/** `GET /readyz` is open, but gives no reason. */
async function examineReadiness(address: HealthAddress, target: string): Promise<Finding> {
  const hidden = "its status page, which needs the permission `manage`, shows its problems";
  const status = await askPage(address, "/readyz", TIMEOUT_MS).then(({ status }) => status)
    .catch(() => undefined);
  if (status === 200) {
    return finding("gateway", target, "ok", `It is ready; ${hidden}.`);
  }
  return finding(
    "gateway",
    target,
    "failed",
    `It is not ready: \`/readyz\` returns ${status ?? "nothing"}; ${hidden}.`,
    { code: "INT-002" },
  );
}
