/**
 * The form of UIDs in the audit trail: plain, omitted or hashed with a key.
 */
import { createHmac } from "node:crypto";
import type { AuditConfig } from "../config/gateway_config.ts";

export type NameUid = (uid: string | undefined) => string | null;

export function uidNames({ uids, key }: Pick<AuditConfig, "uids" | "key">): NameUid {
  if (uids === "omitted") return () => null;
  if (uids === "plain" || key === undefined) return (uid) => uid ?? null;
  const secret = key.reveal();
  return (uid) => uid === undefined ? null : createHmac("sha256", secret).update(uid).digest("hex");
}
