/**
 * Decides what a client may do: without `Permissions` everything, with them what one of them permits. A
 * read-only server rejects every request that may change something.
 */
import type { PermissionConfig, Right } from "../../config/inbound/permissions.ts";
import type { Caller } from "../../credentials/inbound/caller.ts";
import {
  changesNothing,
  type TransactionName,
} from "../../dicomweb/transaction/transaction_catalogue.ts";
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import { GatewayError } from "../../errors/gateway_error.ts";

export interface AccessRulesOptions {
  /** Everything is permitted if undefined. */
  readonly permissions: readonly PermissionConfig[] | undefined;
  readonly servers: readonly string[];
  readonly readOnly: ReadonlySet<string>;
}

/** All servers together. */
const WHOLE_GATEWAY = "*";

export class AccessRules {
  readonly #options: AccessRulesOptions;
  /** A client's permissions, as `server right`. Callers are cached, so the objects outlive a request. */
  readonly #granted = new WeakMap<Caller, ReadonlySet<string>>();

  constructor(options: AccessRulesOptions) {
    this.#options = options;
  }

  /** @throws {GatewayError} AUTH-007 if the request is not permitted. */
  checkStore(
    caller: Caller,
    server: string,
    { name, class: right }: Pick<Transaction, "name" | "class">,
  ): void {
    if (this.#options.readOnly.has(server) && !this.#mayUseReadOnly(name)) {
      throw refusal(`server "${server}" is read-only, and ${name} may change something`, server);
    }
    if (!this.#mayDo(caller, server, right)) {
      throw refusal(
        `${caller.subject} has no permission for ${right} at server "${server}"`,
        server,
      );
    }
  }

  /**
   * @param server The server that the page is about; undefined if it is about all.
   * @throws {GatewayError} AUTH-007 if the page is not permitted.
   */
  checkPage(caller: Caller, right: "manage" | "metrics", server?: string): void {
    if (this.#mayDo(caller, server ?? WHOLE_GATEWAY, right)) return;
    const place = server === undefined ? "all servers" : "this server";
    throw refusal(`${caller.subject} has no permission for ${right} of ${place}`);
  }

  /**
   * A notification channel changes nothing, as `Store` lets only the store send; but it occupies a place
   * under the concurrency limit, so that it must be permitted explicitly.
   */
  #mayUseReadOnly(name: TransactionName): boolean {
    return changesNothing(name) ||
      (name === "open-notification-channel" && this.#options.permissions !== undefined);
  }

  #mayDo(caller: Caller, server: string, right: Right): boolean {
    const { permissions } = this.#options;
    if (permissions === undefined) return true;
    let granted = this.#granted.get(caller);
    if (granted === undefined) {
      granted = this.#grantsOf(caller, permissions);
      this.#granted.set(caller, granted);
    }
    return granted.has(`${server} ${right}`);
  }

  #grantsOf(caller: Caller, permissions: readonly PermissionConfig[]): ReadonlySet<string> {
    const names = namesOf(caller);
    const all = [WHOLE_GATEWAY, ...this.#options.servers];
    const grants = permissions.filter(({ subjects }) => subjects.some((name) => names.has(name)))
      .flatMap(({ servers, rights }) =>
        (servers.includes(WHOLE_GATEWAY) ? all : servers).flatMap((server) =>
          rights.map((right) => `${server} ${right}`)
        )
      );
    return new Set(grants);
  }
}

/** The names that a permission may have for a client. */
function namesOf({ subject, roles }: Caller): ReadonlySet<string> {
  const [kind, issuer] = subject.split(":", 2);
  const group = kind === "jwt" ? `jwt:${issuer}:*` : `${kind}:*`;
  return new Set(["*", subject, group, ...roles]);
}

function refusal(state: string, server?: string): GatewayError {
  return new GatewayError("AUTH-007", `Permission denied: ${state}`, {
    ...(server !== undefined && { server }),
  });
}
