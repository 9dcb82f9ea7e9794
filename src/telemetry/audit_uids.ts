/**
 * How UIDs stand in the audit trail.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import type { AuditConfig } from "../config/gateway_config.ts";

/** Gives a UID its name in the trail; `null` for none. */
export type NameUid = (uid: string | undefined) => string | null;

/** Chooses how UIDs are recorded. */
export function uidNames({ uids, key }: Pick<AuditConfig, "uids" | "key">): NameUid {
  if (uids === "omitted") return () => null;
  if (uids === "plain" || key === undefined) return (uid) => uid ?? null;
  const secret = key.reveal();
  return (uid) => uid === undefined ? null : createHmac("sha256", secret).update(uid).digest("hex");
}
