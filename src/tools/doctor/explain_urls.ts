/**
 * Compares the URLs in a store's answer with `Url`: behind some proxies, a store does not know its own
 * address, and clients that follow its URLs bypass the gateway.
 */
import type { ServerConfig } from "../../config/keys/server.ts";
import { SECTION } from "../../config/values/section.ts";
import { withRules } from "../../dicomweb/profile/profile.ts";
import { StoreDialect } from "../../upstream/store_dialect.ts";
import { SEARCH } from "./ask_credential.ts";
import { type Finding, finding } from "./finding.ts";

/** Stands for the gateway's address, which differs between clients. */
const GATEWAY = "http://gateway.invalid/dicom-web";
const RETRIEVE_URL = "00081190";
const CHECK_ADDRESS =
  "Check the address that the store is configured with (Orthanc: DicomWeb.Host).";

/** @param text The answer to a search for one study, as the store sent it. */
export function explainUrls(
  address: string,
  text: string,
  { name, url: storeUrl, profile, aliases }: ServerConfig,
): Finding {
  const known = withRules(profile, { rewriteInternalUrls: false });
  const translate = new StoreDialect(storeUrl, profile, { aliases }).urlTranslation(
    SEARCH,
    GATEWAY,
  );
  const translateKnown = new StoreDialect(storeUrl, known, { aliases }).urlTranslation(
    SEARCH,
    GATEWAY,
  );
  if (translate === undefined || translateKnown === undefined) {
    return finding("urls", address, "skipped", "Not tested: the rule RewriteUrls is off.");
  }
  const urls = retrieveUrls(text);
  if (urls.length === 0) {
    return finding("urls", address, "skipped", "Not tested: the answer has no Retrieve URL.");
  }
  const isOurs = (translated: string) => translated.startsWith(GATEWAY);
  const unknown = urls.find((url) => isRootedOrAbsolute(url) && !isOurs(translateKnown(url)));
  if (unknown === undefined) {
    return finding("urls", address, "ok", "The URLs in the answer are below Url or an alias.");
  }
  const base = baseOf(new URL(unknown, storeUrl));
  const details = { base: base ?? null };
  const key = `${SECTION}.Servers.${name}.StoreAliases`;
  if (base === undefined) {
    const message = "The store's answer has a Retrieve URL of another form than Url/studies/….";
    return finding("urls", address, "warn", message, { advice: [CHECK_ADDRESS], details });
  }
  if (isOurs(translate(unknown))) {
    return finding(
      "urls",
      address,
      "warn",
      `The store calls itself ${base}. The gateway recognizes its URLs by their paths, but only those of studies.`,
      { advice: [`Add "${base}" to ${key}.`], details },
    );
  }
  return finding(
    "urls",
    address,
    "warn",
    `The store's URLs start with ${base}, not with Url: clients that follow them bypass the gateway.`,
    {
      advice: [
        `If this is the same store, add "${base}" to ${key}.`,
        CHECK_ADDRESS,
      ],
      details,
    },
  );
}

function retrieveUrls(text: string): string[] {
  const [study] = text.trim() === "" ? [] : JSON.parse(text);
  const values: unknown = study?.[RETRIEVE_URL]?.Value;
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

/** Relative references lead back to where the client has the answer from. */
function isRootedOrAbsolute(url: string): boolean {
  return /^(?:https?:\/)?\//i.test(url) && URL.canParse(url, GATEWAY);
}

/** What precedes `/studies` in a URL; neither its query nor a user name. */
function baseOf({ origin, pathname }: URL): string | undefined {
  const end = pathname.indexOf("/studies/");
  return end < 0 ? undefined : origin + pathname.slice(0, end);
}
