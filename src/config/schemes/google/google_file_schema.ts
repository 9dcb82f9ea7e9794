/**
 * The parts of Google's credentials files that the gateway needs.
 */
import { z } from "zod";
import { httpUrl, text } from "../../values/value_schemas.ts";
import { GOOGLE_STS_ENDPOINT, GOOGLE_TOKEN_ENDPOINT } from "./google_hosts.ts";

/** Default lifetime of a service account's token. */
export const IMPERSONATION_SECONDS = 3600;

const common = {
  universe_domain: z.literal("googleapis.com", "names a universe other than googleapis.com")
    .optional(),
  quota_project_id: text().optional(),
};

const serviceAccount = z.looseObject({
  type: z.literal("service_account"),
  client_email: text(),
  private_key: text(),
  private_key_id: text().optional(),
  token_uri: text().default(GOOGLE_TOKEN_ENDPOINT),
  ...common,
});

const authorizedUser = z.looseObject({
  type: z.literal("authorized_user"),
  client_id: text(),
  client_secret: text(),
  refresh_token: text(),
  token_uri: text().default(GOOGLE_TOKEN_ENDPOINT),
  ...common,
});

const externalAccount = z.looseObject({
  type: z.literal("external_account"),
  audience: text(),
  subject_token_type: text(),
  token_url: text().default(GOOGLE_STS_ENDPOINT),
  credential_source: z.looseObject({
    file: text().optional(),
    url: httpUrl({ query: true }).optional(),
    environment_id: text().optional(),
    regional_cred_verification_url: text().optional(),
    headers: z.record(z.string(), z.string()).default({}),
    format: z.looseObject({
      type: z.enum(["text", "json"]).default("text"),
      subject_token_field_name: text().optional(),
    }).default({ type: "text" }),
  }),
  service_account_impersonation_url: text().optional(),
  service_account_impersonation: z.looseObject({
    token_lifetime_seconds: z.int().min(600).max(43_200).default(IMPERSONATION_SECONDS),
  }).default({ token_lifetime_seconds: IMPERSONATION_SECONDS }),
  client_id: text().optional(),
  client_secret: text().optional(),
  workforce_pool_user_project: text().optional(),
  ...common,
});

const impersonated = z.looseObject({
  type: z.literal("impersonated_service_account"),
  service_account_impersonation_url: text(),
  source_credentials: z.discriminatedUnion("type", [serviceAccount, authorizedUser]),
  delegates: z.array(text()).default([]),
  ...common,
});

export const googleFileSchema = z.discriminatedUnion("type", [
  serviceAccount,
  authorizedUser,
  externalAccount,
  impersonated,
]);

export type GoogleFileContent = z.output<typeof googleFileSchema>;
export type ServiceAccountFile = z.output<typeof serviceAccount>;
export type ExternalAccountFile = z.output<typeof externalAccount>;

/** The keys beside a file, and the function that reports its faults. */
export interface GoogleFileContext {
  /** Region of AWS. */
  readonly region: string | undefined;
  /** Overrides that of the file. */
  readonly tokenEndpoint: string | undefined;
  /** Reports a fault, as the end of a sentence that starts with the file. */
  readonly complain: (fault: string) => void;
}

/** The message about a file, as the end of a sentence that starts with it, without its values. */
export function googleFileFault({ code, path, message }: z.core.$ZodIssue): string {
  const at = path.join(".");
  if (path.at(-1) === "type" && (code === "invalid_union" || at === "type")) {
    return 'must be a JSON object of Google\'s whose "type" is "service_account", ' +
      '"authorized_user", "external_account" or "impersonated_service_account"';
  }
  if (at === "") return "must be a JSON object of Google's";
  return code === "invalid_type"
    ? `lacks "${at}", or it is of the wrong kind`
    : `has a "${at}" that ${code === "custom" || code === "invalid_value" ? message : "is wrong"}`;
}
