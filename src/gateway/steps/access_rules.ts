/**
 * Decides what a client may do. Without `Permissions` that is everything; with them, what one of them
 * allows. A read-only server refuses everyone whatever may change something.
 *
 * @module
 */
import type { PermissionConfig, Right } from "../../config/inbound/permissions.ts";
import type { Caller } from "../../credentials/inbound/caller.ts";
import { changesNothing } from "../../dicomweb/transaction/read_only.ts";
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import type { TransactionName } from "../../dicomweb/transaction/transaction_catalogue.ts";
import { GatewayError } from "../../errors/gateway_error.ts";

/** What is to be decided by. */
export interface AccessRulesOptions {
  /** Who may do what; `undefined`: everyone everything. */
  readonly permissions: readonly PermissionConfig[] | undefined;
  /** Names of all servers. */
  readonly servers: readonly string[];
  /** Names of servers that nobody may change anything at. */
  readonly readOnly: ReadonlySet<string>;
}

/** Stands for all servers together. */
const WHOLE_GATEWAY = "*";

/** Decides by the configuration. */
export class AccessRules {
  readonly #options: AccessRulesOptions;
  /** What a client may, as `server right`. Clients are remembered as objects that outlive a request. */
  readonly #granted = new WeakMap<Caller, ReadonlySet<string>>();

  /** @param options What to decide by. */
  constructor(options: AccessRulesOptions) {
    this.#options = options;
  }

  /**
   * Checks a request to a store.
   *
   * @throws {GatewayError} AUTH-007 where it is not permitted.
   */
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
   * Checks a request for one of the gateway's own pages.
   *
   * @param server The server it is about; nothing where it is about all.
   * @throws {GatewayError} AUTH-007 where it is not permitted.
   */
  checkPage(caller: Caller, right: "manage" | "metrics", server?: string): void {
    if (this.#mayDo(caller, server ?? WHOLE_GATEWAY, right)) return;
    const place = server === undefined ? "all servers" : "this server";
    throw refusal(`${caller.subject} has no permission for ${right} of ${place}`);
  }

  /**
   * A notification channel changes nothing as long as only the store speaks, which `Store` sees to; but
   * who opens one keeps a place at the store, so that it must have been permitted explicitly.
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

/** Everything that a permission may call a client by. */
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
