/**
 * Prepares the state directory for the token cache, with its key unless one is configured, and for
 * uploads. A directory that cannot be written to costs these, not the service: then both are in memory.
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import { isEncryptionKey, isKvFile } from "../config/keys/token_cache.ts";
import { holdsUploads, permissionSet } from "../config/sandbox/permission_set.ts";
import { ConfigError } from "../config/values/config_error.ts";
import { Secret } from "../config/values/secret.ts";
import { reasonOf } from "../errors/reason.ts";
import type { Logger } from "../telemetry/logger.ts";
import { prepareStateDirectory } from "./state_directory.ts";

const KEY_FILE = "tokens.key";
const KEY_BYTES = 32;

/**
 * Prepares what workers of a configuration write to.
 *
 * @param onFault Receives why the state directory cannot be used, if it cannot.
 * @returns The configuration for the workers, with the key of the token cache.
 * @throws {ConfigError} When the state directory is insecure and was configured to be used.
 */
export async function prepareState(
  config: GatewayConfig,
  logger: Logger,
  onFault: (reason: string) => void = () => {},
): Promise<GatewayConfig> {
  const { stateDirectory, tokenCache } = config;
  // The state directory is created only if something will be written to it.
  if (permissionSet(config).write === false) return config;
  try {
    await prepareStateDirectory(stateDirectory);
    if (!isKvFile(tokenCache)) {
      if (isStateOptional(config)) await tryToWrite(stateDirectory);
      return config;
    }
    const encryptionKeys = await encryptionKeysIn(stateDirectory, tokenCache.encryptionKeys);
    return { ...config, tokenCache: { ...tokenCache, encryptionKeys } };
  } catch (error) {
    const isInsecure = error instanceof ConfigError;
    const isChosen = isKvFile(tokenCache) && !tokenCache.isDefault;
    const without = withoutState(config);
    if (isInsecure && isChosen || permissionSet(without).write !== false) throw error;
    const reason = isInsecure
      ? error.problems.map(({ message }) => message).join("; ")
      : reasonOf(error);
    onFault(reason);
    const remedies = [
      ...(isKvFile(tokenCache) ? ['set TokenCache.Backend to "memory"'] : []),
      ...(holdsUploads(config) ? ["set UploadDiskMebibytes to 0"] : []),
    ];
    logger.warn(
      `Cannot use the state directory; ${effectWithoutState(config)}. Correct StateDirectory, or ` +
        remedies.join(" and "),
      { reason },
    );
    return without;
  }
}

/** Whether the gateway also starts without a usable state directory. */
export function isStateOptional(config: GatewayConfig): boolean {
  const { tokenCache } = config;
  const isChosen = isKvFile(tokenCache) && !tokenCache.isDefault;
  return !isChosen && permissionSet(withoutState(config)).write === false;
}

/** What a gateway does without its state directory, if it is optional. */
export function effectWithoutState(config: GatewayConfig): string {
  const inMemory = [
    ...(isKvFile(config.tokenCache) ? ["tokens are cached"] : []),
    ...(holdsUploads(config) ? ["uploads are held"] : []),
  ];
  return `${inMemory.join(" and ")} in memory only`;
}

function withoutState(config: GatewayConfig): GatewayConfig {
  const { tokenCache, uploads } = config;
  return {
    ...config,
    tokenCache: isKvFile(tokenCache) ? { backend: "memory" } : tokenCache,
    uploads: { ...uploads, diskBytes: 0 },
  };
}

/**
 * The configured keys, or else the key in the state directory, which is created at the first start.
 *
 * @throws {Error} When the directory cannot be written to.
 */
export async function encryptionKeysIn(
  stateDirectory: string,
  configured: readonly Secret[],
): Promise<readonly Secret[]> {
  await tryToWrite(stateDirectory);
  return configured.length > 0 ? configured : [await storedKey(stateDirectory)];
}

/** @throws The error of the operating system if the workers could not write. */
async function tryToWrite(directory: string): Promise<void> {
  const temporary = await Deno.makeTempFile({ dir: directory, prefix: `${KEY_FILE}.` });
  await Deno.remove(temporary).catch(() => {});
}

async function storedKey(directory: string): Promise<Secret> {
  const path = `${directory}/${KEY_FILE}`;
  const read = async () => (await Deno.readTextFile(path)).trim();
  const found = await read().catch((error) => {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  });
  if (isEncryptionKey(found)) return new Secret(found);
  using file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  // Of several gateways that start now, the first writes the key; the others wait, and use it.
  await file.lock(true);
  const written = await read();
  if (isEncryptionKey(written)) return new Secret(written);
  // A damaged one is replaced: all that it encrypted can be fetched again.
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES)).toBase64();
  await file.truncate();
  await writeAll(file, new TextEncoder().encode(`${key}\n`));
  await file.syncData();
  return new Secret(key);
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await file.write(bytes.subarray(sent));
}
