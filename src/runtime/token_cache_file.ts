/**
 * Prepares the token cache in the state directory: its key, unless one is configured. A directory that
 * cannot be written to costs the cache, not the service: then tokens are cached in memory.
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import { isEncryptionKey, isKvFile } from "../config/keys/token_cache.ts";
import { permissionSet } from "../config/sandbox/permission_set.ts";
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
  if (!isKvFile(tokenCache)) {
    // The state directory is created only if something will be written to it.
    if (permissionSet(config).write !== false) await prepareStateDirectory(stateDirectory);
    return config;
  }
  try {
    await prepareStateDirectory(stateDirectory);
    const encryptionKeys = await encryptionKeysIn(stateDirectory, tokenCache.encryptionKeys);
    return { ...config, tokenCache: { ...tokenCache, encryptionKeys } };
  } catch (error) {
    const isInsecure = error instanceof ConfigError;
    if (isInsecure && !tokenCache.isDefault) throw error;
    const reason = isInsecure
      ? error.problems.map(({ message }) => message).join("; ")
      : reasonOf(error);
    onFault(reason);
    logger.warn(
      "Cannot cache tokens in the state directory; caching them in memory. Correct StateDirectory, " +
        'or set TokenCache.Backend to "memory"',
      { reason },
    );
    return await prepareState(withMemory(config), logger);
  }
}

/** Whether the gateway also starts without a usable state directory. */
export function isStateOptional(config: GatewayConfig): boolean {
  const { tokenCache } = config;
  return isKvFile(tokenCache) && tokenCache.isDefault &&
    permissionSet(withMemory(config)).write === false;
}

function withMemory(config: GatewayConfig): GatewayConfig {
  return { ...config, tokenCache: { backend: "memory" } };
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
  // Shows whether the workers can write.
  const temporary = await Deno.makeTempFile({ dir: stateDirectory, prefix: `${KEY_FILE}.` });
  await Deno.remove(temporary).catch(() => {});
  return configured.length > 0 ? configured : [await storedKey(stateDirectory)];
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
