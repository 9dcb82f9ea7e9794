/**
 * The `push` command: sends a folder of DICOM files to a server, through a gateway assembled in this
 * process or a running one.
 */
import { join } from "node:path";
import { stateHome } from "../config/file/find_config.ts";
import { PLAIN_NAME } from "../config/values/keys_of.ts";
import { basicAuthorization } from "../credentials/fixed/fixed_headers_authorizer.ts";
import { withoutTrailing } from "../dicomweb/without_trailing.ts";
import { JournalError, type JournalSubject, PushJournal } from "../tools/push/push_journal.ts";
import { pushFolder, PushStoppedError } from "../tools/push/push_folder.ts";
import { ownGateway, type PushTarget, runningGateway } from "../tools/push/push_target.ts";
import { shutdownSignal } from "../runtime/process_signals.ts";
import { ExitCode } from "./exit_code.ts";
import { loadConfig, selectServers } from "./load.ts";
import { PushProgress } from "./push_progress.ts";
import { PushSummary } from "./push_summary.ts";
import { readSecret } from "./secret_input.ts";
import { complain, print, printable } from "./terminal.ts";

export interface PushFlags {
  readonly server?: string;
  readonly config?: string;
  readonly url?: string;
  readonly user?: string;
  readonly token?: true;
  readonly jobs: number;
  readonly batch: number;
  readonly retries: number;
  readonly journal?: string;
  readonly fresh?: true;
  readonly json?: true;
}

/**
 * Sends a folder. The exit code is 0 only if all its instances are stored.
 *
 * @throws {ConfigError} When the configuration is invalid.
 */
export async function push(given: string, flags: PushFlags, version: string): Promise<number> {
  const folder = await folderAt(given);
  if (folder === undefined) return ExitCode.usage;
  const ended = shutdownSignal(() => Deno.exit(ExitCode.interrupted));
  const place = flags.url === undefined
    ? await ownPlace(flags, version)
    : await runningPlace(flags.url, flags);
  if (place === undefined) return ExitCode.usage;
  const { target, stateDirectory } = place;
  try {
    const subject = { folder, target: target.name };
    const file = flags.journal ?? await journalFile(stateDirectory, subject);
    const journal = await PushJournal.open(file, subject, flags.fresh ?? false);
    return await send(folder, { flags, target, journal, ended });
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    complain(printable(error.message));
    return ExitCode.failure;
  } finally {
    await target.close();
  }
}

async function send(
  folder: string,
  { flags, target, journal, ended }: {
    readonly flags: PushFlags;
    readonly target: PushTarget;
    readonly journal: PushJournal;
    readonly ended: AbortSignal;
  },
): Promise<number> {
  const { jobs, batch, retries } = flags;
  const summary = new PushSummary();
  const progress = new PushProgress();
  ended.addEventListener("abort", () => {
    progress.clear();
    complain("Finishing the requests in progress; press Ctrl+C again to stop at once.");
  });
  let stopped: string | undefined;
  try {
    if (progress.isShown) await progress.count(folder, ended);
    await pushFolder({
      folder,
      target,
      journal,
      jobs,
      batch,
      retries,
      signal: ended,
      onFile: (event) => {
        summary.add(event);
        progress.show(summary.totals);
      },
      onWait: (reason, waitMs) => {
        progress.clear();
        complain(printable(`Retrying in ${Math.ceil(waitMs / 1_000)} s: ${reason}`));
      },
    });
  } catch (error) {
    const isStop = error instanceof PushStoppedError || error instanceof JournalError;
    if (!isStop) throw error;
    stopped = error.message;
  } finally {
    progress.clear();
  }
  const { instances, failed } = summary.totals;
  const isWhole = stopped === undefined && !ended.aborted;
  if (isWhole && failed === 0) await journal.remove();
  else journal.close();
  const how = stopped === undefined ? ended.aborted ? "interrupted" : "finished" : "stopped";
  print(
    flags.json
      ? summary.json({ folder, target: target.name, ended: how, reason: stopped })
      : summary.text(folder, target.name),
  );
  if (stopped !== undefined) complain(printable(`Stopped: ${stopped}`));
  if (!isWhole || failed > 0) {
    complain(
      `Run the same command again to resume: what is stored is recorded in ${journal.file}` +
        (isWhole ? ", and only what failed is retried." : "."),
    );
  }
  if (stopped !== undefined) return ExitCode.failure;
  if (ended.aborted) return ExitCode.interrupted;
  if (instances === 0) complain(printable(`No DICOM files in ${folder}.`));
  return failed > 0 || instances === 0 ? ExitCode.failure : ExitCode.ok;
}

async function folderAt(path: string): Promise<string | undefined> {
  try {
    const folder = await Deno.realPath(path);
    const { isDirectory, isFile } = await Deno.stat(folder);
    if (isDirectory || isFile) return folder;
    complain(`${path} is neither a folder nor a file.`);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound;
    complain(isMissing ? `No such folder or file: ${path}.` : `Cannot read ${path}.`);
  }
  return undefined;
}

interface Place {
  readonly target: PushTarget;
  /** Contains the journal. */
  readonly stateDirectory: string;
}

async function ownPlace(flags: PushFlags, version: string): Promise<Place | undefined> {
  const config = await loadConfig(flags);
  if (flags.user !== undefined || flags.token) {
    const flag = flags.token ? "--token" : "--user";
    complain(`${flag} requires --url: without a running gateway there is nothing to log in to.`);
    return undefined;
  }
  const names = selectServers(config, flags.server === undefined ? [] : [flags.server]);
  if (names === undefined) return undefined;
  const server = config.servers.get(names[0] ?? "");
  if (server === undefined || names.length > 1) {
    complain(`Name the server to send to with --server: ${names.join(", ")}.`);
    return undefined;
  }
  return { target: ownGateway(config, server, version), stateDirectory: config.stateDirectory };
}

async function runningPlace(url: string, flags: PushFlags): Promise<Place | undefined> {
  const { server } = flags;
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash) {
    complain("--url is the gateway's URL, such as http://127.0.0.1:8043.");
    return undefined;
  }
  if (parsed.username || parsed.password) {
    complain(
      "A password in --url is visible to other users of this machine: use --user, which prompts for it.",
    );
    return undefined;
  }
  if (server === undefined || !PLAIN_NAME.test(server)) {
    complain("Name the gateway's server to send to with --server.");
    return undefined;
  }
  if (flags.user !== undefined && flags.token) {
    complain("--user and --token exclude each other.");
    return undefined;
  }
  const authorization = await authorizationOf(flags);
  if (authorization === undefined) return undefined;
  const gatewayUrl = withoutTrailing(parsed.href, "/");
  const target = runningGateway(gatewayUrl, server, authorization || undefined);
  return { target, stateDirectory: stateHome() };
}

/** Prompts for what the flags say; empty without a login, undefined if the user cancels. */
async function authorizationOf({ user, token }: PushFlags): Promise<string | undefined> {
  if (token) {
    const text = (await readSecret("Bearer token: "))?.trim().replace(/^Bearer /i, "");
    // RFC 6750, section 2.1.
    if (text === undefined || /^[A-Za-z0-9._~+/-]+=*$/.test(text)) return text && `Bearer ${text}`;
    complain("This is not a bearer token: it is empty, or has characters that tokens do not have.");
    return undefined;
  }
  if (user === undefined) return "";
  const password = await readSecret(`Password of ${user}: `);
  return password === undefined ? undefined : basicAuthorization(user, password);
}

/** One journal for each folder and target, so that the same command finds it again. */
async function journalFile(
  stateDirectory: string,
  { folder, target }: JournalSubject,
): Promise<string> {
  const subject = new TextEncoder().encode(`${folder}\n${target}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", subject)).toHex();
  return join(stateDirectory, "push", `${digest.slice(0, 32)}.jsonl`);
}
