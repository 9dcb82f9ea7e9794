/**
 * Signs requests with a bearer token from a file that another program renews. The file is read at most
 * once a second, and immediately after the store rejects the token. While it is missing or being
 * written, the token read before stays in use.
 */
import type { Logger } from "../../telemetry/logger.ts";
import { abortable } from "../../network/wait.ts";
import type {
  Authorization,
  Authorizer,
  CredentialStatus,
  OutboundRequest,
} from "../authorizer.ts";
import { isAssignment } from "../../config/values/damaged_value.ts";
import type { Clock } from "../../network/clock.ts";
import { readCredentialFile } from "../credential_file.ts";
import { cannotFetch } from "../provider_exchange.ts";

/** How long the content is used without reading the file again. */
const FRESH_MS = 1000;

const ADVICE =
  "Check TokenFile, and that the program which writes it runs and lets the gateway's user read it";

/** The file, and where failures to read it are reported. */
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
  /** The last content: the same object while the token is the same. */
  #cached: Authorization | undefined;
  #readAtMs = -Infinity;
  #reading: Promise<Authorization> | undefined;
  #hasLoggedFailure = false;

  constructor(options: TokenFileAuthorizerOptions) {
    this.#options = options;
  }

  /** @throws {GatewayError} TOK-001 while no token could be read yet. */
  authorize(request: Pick<OutboundRequest, "signal">): Authorization | Promise<Authorization> {
    const ageMs = this.#options.clock.monotonic() - this.#readAtMs;
    if (this.#cached !== undefined && ageMs < FRESH_MS) return this.#cached;
    return abortable(this.#read(), request.signal);
  }

  /** Reads the file again. */
  async invalidate(authorization: Authorization): Promise<boolean> {
    if (this.#cached !== authorization) return true;
    return await this.#read() !== authorization;
  }

  /** The end of the token is unknown. */
  describe(): CredentialStatus {
    return {
      kind: "token_file",
      endpoint: undefined,
      hasToken: this.#cached !== undefined,
      expiresAtMs: undefined,
    };
  }

  /** @throws {GatewayError} TOK-001 without a usable token. */
  async renew(): Promise<void> {
    this.#adopt(await this.#token());
  }

  forget(): Promise<void> {
    this.#cached = undefined;
    this.#readAtMs = -Infinity;
    return Promise.resolve();
  }

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
      if (this.#cached === undefined) throw error;
      this.#readAtMs = clock.monotonic();
      if (!this.#hasLoggedFailure) {
        this.#hasLoggedFailure = true;
        const reason = error instanceof Error ? error.message : "unknown";
        logger.warn("Cannot reread the token file; using the token read before", {
          server,
          error_code: "TOK-006",
          reason,
        });
      }
      return this.#cached;
    }
  }

  #adopt(token: string): Authorization {
    this.#readAtMs = this.#options.clock.monotonic();
    this.#hasLoggedFailure = false;
    const authorization = `Bearer ${token}`;
    if (this.#cached?.headers.authorization !== authorization) {
      this.#cached = Object.freeze({ headers: Object.freeze({ authorization }) });
    }
    return this.#cached!;
  }

  async #token(): Promise<string> {
    const { file, server } = this.#options;
    const text = await readCredentialFile(file, { server, code: "TOK-001", step: ADVICE });
    if (/^[\x21\x23-\x7e]+$/.test(text) && !isAssignment(text)) return text;
    throw cannotFetch("TOK-001", server, `the file ${file} contains more than the token`, {
      troubleshooting: [ADVICE],
    });
  }
}
