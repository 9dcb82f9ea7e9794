/**
 * What signing with a managed identity of Azure needs: which service of which platform is asked, for
 * which identity and which audience.
 *
 * @module
 */
import type { TokenRefreshConfig } from "./gateway_config.ts";
import type { Secret } from "./secret.ts";

/** A managed identity of Azure, or of a machine that Azure Arc has connected. */
export interface ManagedIdentity extends TokenRefreshConfig {
  readonly kind: "azure_managed_identity";
  readonly service: IdentityService;
  /** The audience of the tokens: the scope without `/.default`. */
  readonly resource: string;
  /** The user-assigned identity; `undefined`: the system-assigned one. */
  readonly identity: UserAssignedIdentity | undefined;
}

/** The service that gives out tokens, by platform. */
export type IdentityService =
  | { readonly platform: "vm"; readonly endpoint: string }
  | { readonly platform: "appservice"; readonly endpoint: string; readonly header: Secret }
  | {
    readonly platform: "arc";
    readonly endpoint: string;
    /** Absolute path of the only directory from which the agent may have a secret read. */
    readonly secretsDirectory: string;
  };

/** Which user-assigned identity is meant. */
export interface UserAssignedIdentity {
  readonly by: "client" | "object" | "resource";
  readonly id: string;
}
