/**
 * What Microsoft Entra ID and Azure's metadata services refuse, and what to do about it. No other
 * provider uses Entra's numbers (AADSTS…), so they are recognised at any host.
 */
import { type Advice, rowsOf } from "../advice.ts";

const entra = rowsOf(undefined, "Entra");
const azure = rowsOf("azure", "Azure");

const ASSIGN_IDENTITY =
  "assign a managed identity to the machine or app (Identity > System assigned > On)";

/**
 * Sources: learn.microsoft.com/entra/identity-platform/reference-error-codes and
 * learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token. The texts of
 * "Identity not found" and "No … Managed Identity found" follow what users report.
 */
export const azureAdvice: readonly Advice[] = [
  entra(
    { text: /AADSTS7000215\b/, code: "AUTH-001" },
    "put the value of the client secret into ClientSecret, not its identifier (Secret ID)",
  ),
  entra(
    { text: /AADSTS7000222\b/, code: "AUTH-001" },
    "the client secret has expired; create a new one under Certificates & secrets of the app " +
      "registration and put its value into ClientSecret",
  ),
  entra(
    { text: /AADSTS(?:700016|700011|7000229)\b/, code: "AUTH-001" },
    "check that ClientId is the Application (client) ID and that TenantId is the tenant in which " +
      "the application, or an enterprise application made of it, is registered",
  ),
  entra(
    { text: /AADSTS(?:70001|7000112)\b/, code: "AUTH-001" },
    "enable the application (Enterprise applications > Properties)",
  ),
  entra(
    { text: /AADSTS(?:700025|7000218)\b/, code: "AUTH-001" },
    "make the application a confidential client: no public client flows, and a secret, a " +
      "certificate or a federated credential of its own",
  ),
  entra(
    { text: /AADSTS700027\b/, code: "AUTH-001" },
    "upload the very certificate that the gateway signs with under Certificates & secrets, and " +
      "check that it has not expired",
  ),
  entra(
    { text: /AADSTS(?:700024|500133)\b/, code: "AUTH-001" },
    "correct the clock of the gateway's machine; with a federated token, check that the file is " +
      "still renewed",
  ),
  entra(
    { text: /AADSTS(?:70021|700211|700212|700213)\b/, code: "AUTH-001" },
    "make issuer, subject and audience of the federated credential equal to the iss, sub and aud " +
      "of the token file; subject and issuer count to the letter",
    "a federated credential that was made within the last minutes may not be known yet; try again",
  ),
  entra(
    { text: /AADSTS(?:90002|900023)\b/ },
    "check TenantId, and Cloud if the tenant belongs to a sovereign cloud",
  ),
  entra(
    { text: /AADSTS(?:500011|50001)\b/, code: "AUTH-002" },
    "check Scope: its audience must be that of the DICOM service, and the tenant must be the one " +
      "the service belongs to",
  ),
  entra(
    { text: /AADSTS(?:70011|1002012)\b/, code: "AUTH-002" },
    "give one Scope that ends in /.default, as client credentials require",
  ),
  entra(
    { text: /AADSTS(?:65001|650056|650057)\b/, code: "AUTH-002" },
    "add the permission under API permissions of the app registration and have an administrator " +
      "grant consent",
  ),
  entra(
    { text: /AADSTS501051\b/, code: "AUTH-002" },
    "assign the application to a role of the service's enterprise application",
  ),
  entra(
    { text: /AADSTS53003\b/, code: "AUTH-002" },
    "a Conditional Access policy blocks the application; its name is in the service principal " +
      "sign-in log. Allow the address that the gateway comes from",
  ),

  azure(
    {
      text: /identity not found|no (?:user.?assigned or delegated )?managed identity found/i,
      code: "AUTH-001",
    },
    ASSIGN_IDENTITY,
    "with a user-assigned identity, check ClientId, ObjectId or ResourceId and that it is " +
      "assigned to this machine or app",
  ),
  azure(
    { text: /multiple user.?assigned identities/i, code: "AUTH-001" },
    "name one of the user-assigned identities by ClientId",
  ),
  azure(
    { error: "unauthorized_client", text: /^(?!.*AADSTS)/s, code: "AUTH-001" },
    ASSIGN_IDENTITY,
  ),
  azure(
    { error: "bad_request_102" },
    "allow a direct connection from the gateway to the metadata service, without a proxy",
  ),
];
