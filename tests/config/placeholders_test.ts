import assert from "node:assert/strict";
import { placeholderWarnings } from "../../src/config/placeholders.ts";
import { parseSection } from "./memory_files.ts";

/** Values that nobody has, and what of them is named. */
const PLACEHOLDERS: readonly [key: string, value: string, named: string][] = [
  ["TenantId", "YOUR-TENANT-ID", "YOUR-TENANT-ID"],
  ["TenantId", "your_tenant_id", "your_tenant_id"],
  ["TenantId", "<tenant>", "<tenant>"],
  ["TenantId", "<Your Tenant ID>", "<Your Tenant ID>"],
  ["TenantId", "{tenant-id}", "{tenant-id}"],
  ["TenantId", "TENANT_ID", "TENANT_ID"],
  ["TenantId", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"],
  ["ClientId", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"],
  ["ClientId", "your-client-id", "your-client-id"],
  ["ClientId", "your-client-id-here", "your-client-id-here"],
  ["ClientId", "CHANGE_ME", "CHANGE_ME"],
  ["ClientId", "changeme", "changeme"],
  ["ClientId", "replace-with-client-id", "replace-with-client-id"],
  ["Url", "https://your-dicom-server.com/dicom-web", "your-dicom-server"],
  ["Url", "https://your-workspace.dicom.azurehealthcareapis.com/v2", "your-workspace"],
  ["Url", "https://{workspace}-{service}.dicom.azurehealthcareapis.com/v2", "{workspace}"],
  ["Url", "https://healthcare.googleapis.com/v1/projects/PROJECT_ID/x", "PROJECT_ID"],
  ["TokenEndpoint", "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token", "<tenant>"],
  ["TokenEndpoint", "https://login.microsoftonline.com/your-tenant/oauth2/token", "your-tenant"],
  ["Scope", "api://your-app-id/.default", "your-app-id"],
];

for (const [key, value, named] of PLACEHOLDERS) {
  Deno.test(`Placeholders: ${key} ${JSON.stringify(value)} is named`, () => {
    assert.deepEqual(placeholderWarnings({ Servers: { main: { [key]: value } } }), [
      `DicomWebOAuth.Servers.main.${key}: contains the placeholder ${named}; ` +
      "replace it by the value of your own",
    ]);
  });
}

for (const secret of ["your-client-secret", "<your-client-secret>", "CHANGE_ME", "changeme"]) {
  Deno.test(`Placeholders: the secret ${secret} is reported without being repeated`, () => {
    assert.deepEqual(placeholderWarnings({ Servers: { main: { ClientSecret: secret } } }), [
      "DicomWebOAuth.Servers.main.ClientSecret: is a placeholder; replace it by the value of your own",
    ]);
  });
}

/** Values that somebody may have. */
const REAL: readonly [key: string, value: string][] = [
  ["TenantId", "72f988bf-86f1-41af-91ab-2d7cd011db47"],
  ["TenantId", "contoso.onmicrosoft.com"],
  ["TenantId", "yourmed.example"],
  ["TenantId", "organizations"],
  ["ClientId", "dicomweb-gateway"],
  ["ClientId", "client-id"],
  ["ClientId", "your-radiology-partner"],
  ["ClientId", "Zx1yW2vU3tS4rQ5pO6nM7lK8jI9hG0fE"],
  ["ClientId", "https://gateway.clinic.example/"],
  ["ClientSecret", "a8Q~<tenant>{id}your-secret/xxxx"],
  ["ClientSecret", "<Zk3!>"],
  ["TokenHeaders", "{a:<b>}"],
  ["ClientSecret", "your"],
  ["Password", "{changeme}"],
  ["Url", "https://static.1.2.3.4.clients.your-server.de/dicom-web"],
  ["Url", "https://change.me.uk/dicom-web"],
  ["Url", "https://your-health-partners.org/dicom-web"],
  ["Url", "https://pacs.clinic.example/tenant_id/dicom-web"],
  ["Url", "https://[fd00::1]:8042/dicom-web"],
  ["Scope", "openid profile https://dicom.healthcareapis.azure.com/.default"],
  ["Audience", "urn:example:your-clinic-and-friends"],
];

for (const [key, value] of REAL) {
  Deno.test(`Placeholders: ${key} ${JSON.stringify(value)} may be real`, () => {
    assert.deepEqual(placeholderWarnings({ Servers: { main: { [key]: value } } }), []);
  });
}

Deno.test("Placeholders: those of lists, of nested keys and from variables are warnings of the configuration", async () => {
  const { warnings } = await parseSection({
    Servers: {
      main: {
        Url: "https://store.example/dicom-web",
        TokenEndpoint: "https://idp.example/token",
        ClientId: "${ID}",
        ClientSecret: "secret",
        StoreAliases: ["https://your-pacs.example/dicom-web"],
      },
    },
  }, { env: { ID: "your-client-id" } });
  assert.deepEqual(warnings?.map((warning) => warning.split(": ")[0]), [
    "DicomWebOAuth.Servers.main.ClientId",
    "DicomWebOAuth.Servers.main.StoreAliases[0]",
  ]);
});
