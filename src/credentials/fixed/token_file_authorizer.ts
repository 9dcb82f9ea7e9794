/**
 * Signs requests with a bearer token from a file that another program renews. The file is looked at
 * once a second at most, and at once when the store refuses the token. While it is missing or being
 * written, the token that was read before stays in use.
 *
 * @module
 */
import type { Logger } from "../../telemetry/logger.ts";
import { abortable } from "../../network/wait.ts";
import type {
  Authorization,
  Authorizer,
  CredentialStatus,
  OutboundRequest,
} from "../authorizer.ts";
import type { Clock } from "../../network/clock.ts";
import { CredentialFileError, readCredentialFile } from "../credential_file.ts";
import { cannotFetch } from "../provider_exchange.ts";

/** How long what was read counts as what the file holds. */
const FRESH_MS = 1000;

/** What the authorizer works with. */
export interface TokenFileAuthorizerOptions {
  /** Absolute path of the file. */
  readonly file: string;
  /** Name of the configured server, for messages. */
  readonly server: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Puts the token of a file into the `Authorization` header. */
export class TokenFileAuthorizer implements Authorizer {
  readonly #options: TokenFileAuthorizerOptions;
  /** What the file held last: the same object for as long as the token is the same. */
  #held: Authorization | undefined;
  #readAtMs = -Infinity;
  #reading: Promise<Authorization> | undefined;
  #hasToldOfFailure = false;

  /** @param options What it works with. */
  constructor(options: TokenFileAuthorizerOptions) {
    this.#options = options;
  }

  /**
   * Makes the `Authorization` header, at once where the file was read within the last second.
   *
   * @throws {GatewayError} TOK-001 while no token could be read yet.
   */
  authorize(request: Pick<OutboundRequest, "signal">): Authorization | Promise<Authorization> {
    const ageMs = this.#options.clock.monotonic() - this.#readAtMs;
    if (this.#held !== undefined && ageMs < FRESH_MS) return this.#held;
    return abortable(this.#read(), request.signal);
  }

  /**
   * Tells that the store refused (401) the token, and reads the file again.
   *
   * @returns Whether there is another token now.
   */
  async invalidate(authorization: Authorization): Promise<boolean> {
    if (this.#held !== authorization) return true;
    return await this.#read() !== authorization;
  }

  /** @returns Whether a token was read; its end is not known. */
  describe(): CredentialStatus {
    return {
      kind: "token_file",
      endpoint: undefined,
      hasToken: this.#held !== undefined,
      expiresAtMs: undefined,
    };
  }

  /**
   * Reads the file now.
   *
   * @throws {GatewayError} TOK-001 when it gives no token.
   */
  async renew(): Promise<void> {
    this.#adopt(await this.#token());
  }

  /** Drops what was read: the next request reads the file. */
  forget(): Promise<void> {
    this.#held = undefined;
    this.#readAtMs = -Infinity;
    return Promise.resolve();
  }

  /** Does nothing: nothing is held open. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  #read(): Promise<Authorization> {
    return this.#reading ??= this.#readOrKeep().finally(() => this.#reading = undefined);
  }

  async #readOrKeep(): Promise<Authorization> {
    const { clock, server, logger } = this.#options;
    try {
      return this.#adopt(await this.#token());
    } catch (error) {
      if (this.#held === undefined) throw error;
      this.#readAtMs = clock.monotonic();
      if (!this.#hasToldOfFailure) {
        this.#hasToldOfFailure = true;
        const reason = error instanceof Error ? error.message : "unknown";
        logger.warn("Cannot reread the token file; using the token read before", {
          server,
          error_code: "TOK-006",
          reason,
        });
      }
      return this.#held;
    }
  }

  #adopt(token: string): Authorization {
    this.#readAtMs = this.#options.clock.monotonic();
    this.#hasToldOfFailure = false;
    const authorization = `Bearer ${token}`;
    if (this.#held?.headers.authorization !== authorization) {
      this.#held = Object.freeze({ headers: Object.freeze({ authorization }) });
    }
    return this.#held!;
  }

  async #token(): Promise<string> {
    const { file, server } = this.#options;
    try {
      const text = await readCredentialFile(file);
      if (/^[\x21-\x7e]+$/.test(text)) return text;
      throw new CredentialFileError(`the file ${file} contains more than the token`);
    } catch (cause) {
      if (!(cause instanceof CredentialFileError)) throw cause;
      throw cannotFetch("TOK-001", server, cause.message, {
        troubleshooting: [
          "Check TokenFile, and that the program which writes it runs and lets the gateway's user read it",
        ],
        cause,
      });
    }
  }
}
