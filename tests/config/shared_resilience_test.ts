/** `ResilienceConfig` for all servers: in the section, or at the top of the file as the plugin has it. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/parse_config.ts";
import { assertProblem, loadFromMemory, problemsOf } from "./memory_files.ts";

const SERVER = {
  Url: "https://store.example",
  TokenEndpoint: "https://idp.example/token",
  ClientId: "c",
  ClientSecret: "s",
};
const SHARED = { RetryMaxAttempts: 7, CircuitBreakerEnabled: true };
const Servers = {
  plain: SERVER,
  own: { ...SERVER, ResilienceConfig: { RetryMaxAttempts: 2 } },
};

for (
  const [place, file] of [
    ["the section", { DicomWebOAuth: { ResilienceConfig: SHARED, Servers } }],
    ["the top of the file", { ResilienceConfig: SHARED, DicomWebOAuth: { Servers } }],
  ] as const
) {
  Deno.test(`ResilienceConfig in ${place} is that of all servers; their own keys take precedence`, async () => {
    const { servers } = await parseConfig(await loadFromMemory(file));
    const of = (name: string) => {
      const { retry, circuitBreaker } = servers.get(name)!.resilience;
      return [retry.maxAttempts, circuitBreaker?.failureThreshold];
    };
    assert.deepEqual(of("plain"), [7, 5]);
    assert.deepEqual(of("own"), [2, 5]);
  });
}

const mistaken = { RetryMaxAttempts: 0 };
for (
  const [what, file, problem] of [
    [
      "a mistake in the section",
      { DicomWebOAuth: { ResilienceConfig: mistaken, Servers } },
      "CFG-002 DicomWebOAuth.ResilienceConfig.RetryMaxAttempts: must be at least 1",
    ],
    [
      "a mistake at the top of the file",
      { ResilienceConfig: mistaken, DicomWebOAuth: { Servers } },
      "CFG-002 DicomWebOAuth.ResilienceConfig.RetryMaxAttempts: must be at least 1",
    ],
    [
      "two of them",
      { ResilienceConfig: SHARED, DicomWebOAuth: { ResilienceConfig: SHARED, Servers } },
      "CFG-002 ResilienceConfig: is duplicated: it is also in DicomWebOAuth",
    ],
    [
      "another type",
      { ResilienceConfig: 3, DicomWebOAuth: { Servers } },
      "CFG-002 DicomWebOAuth.ResilienceConfig: must be an object",
    ],
  ] as const
) {
  Deno.test(`ResilienceConfig: ${what} is reported once`, async () => {
    const problems = await problemsOf(file);
    assertProblem(
      problems.map(({ code, path, message }) => `${code} ${path}: ${message}`),
      problem,
    );
  });
}
