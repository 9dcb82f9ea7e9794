/**
 * Keys of a role that trusts another identity provider: that provider's token, which another program
 * writes to a file, is exchanged for them (`AssumeRoleWithWebIdentity`). EKS gives pods such a file.
 */
import type { AwsKeysConfig } from "../../config/schemes/aws/aws_keys.ts";
import { readCredentialFile } from "../credential_file.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import { exchange, type ProviderConnection, withinTimeLimit } from "../provider_exchange.ts";
import { explainStsAnswer, STS } from "./sts_answer.ts";

/** The role and the token file. */
export type WebIdentity = Extract<AwsKeysConfig, { readonly from: "web_identity" }>;

/**
 * Creates the source of a web identity's keys. The file is read for each request. `acquire` throws as
 * `explainStsAnswer` and `exchange`; AUTH-001 if the file is unusable.
 *
 * @param endpoint URL of the Security Token Service.
 */
export function webIdentitySource(
  { roleArn, sessionName, tokenFile }: WebIdentity,
  endpoint: string,
  connection: ProviderConnection,
): TokenSource {
  const { server, clock } = connection;
  return {
    endpoint,
    fingerprint: fingerprint(["web_identity", endpoint, roleArn, sessionName, tokenFile]),
    acquire: (signal) =>
      withinTimeLimit(connection, STS, signal, async (signal) => {
        const identityToken = await readCredentialFile(tokenFile, {
          server,
          code: "AUTH-001",
          step: "AWS: check the file that WebIdentityTokenFile or the variable names",
        });
        const issuedAtMs = clock.now();
        const answer = await exchange(connection, STS, {
          url: endpoint,
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
          // Not signed: the token authenticates the request.
          body: new URLSearchParams({
            Action: "AssumeRoleWithWebIdentity",
            Version: "2011-06-15",
            RoleArn: roleArn,
            RoleSessionName: sessionName,
            WebIdentityToken: identityToken,
          }).toString(),
          signal,
        });
        return explainStsAnswer(answer, { server, endpoint, issuedAtMs, secrets: [identityToken] });
      }),
  };
}
