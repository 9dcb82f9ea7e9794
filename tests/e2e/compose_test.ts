/**
 * The parts of `docker/compose.yaml` without containers: two Orthancs and two gateways run with the
 * files of `docker/`, their hosts and paths replaced, and with the secrets and certificates of
 * `docker/prepare.sh`. oidc-provider replaces Keycloak.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import realm from "../../docker/keycloak/realm.json" with { type: "json" };
import { OPENSSL } from "../fixtures/certificate_authority.ts";
import { dicomFile, newUid } from "../fixtures/dicom_file.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { needing, ORTHANC } from "../fixtures/installed_tool.ts";
import { startOidcProvider } from "../fixtures/oidc_provider.ts";
import { Orthanc } from "../fixtures/orthanc.ts";
import { sha256 } from "../fixtures/seeded_bytes.ts";
import { runProgram } from "../fixtures/run_program.ts";

const DOCKER = fileURLToPath(new URL("../../docker/", import.meta.url));
const LOOPBACK = { Address: "127.0.0.1", Port: 0 };

const test: Deno.TestDefinition = {
  name:
    "The services of compose.yaml work together: a study goes from one Orthanc to the other and back",
  async fn(t) {
    const made = await Deno.makeTempDir();
    await runProgram("sh", [`${DOCKER}prepare.sh`, made]);
    const env = Object.fromEntries(
      (await Deno.readTextFile(`${made}/.env`)).trim().split("\n").map((line) =>
        line.split("=", 2)
      ),
    );
    const pem = (name: string) => Deno.readTextFile(`${made}/certificates/${name}`);
    const authority = await pem("authority.crt");

    const [client] = realm.clients;
    const provider = await startOidcProvider({
      clients: [{
        clientId: client!.clientId,
        clientSecret: env["GATEWAY_CLIENT_SECRET"],
        authMethod: "client_secret_post",
      }],
      audience: client!.protocolMappers[0]!.config["included.custom.audience"],
      tls: {
        certificatePem: await pem("keycloak.crt"),
        keyPem: await pem("keycloak.key"),
        clientAuthorityPem: authority,
      },
    });
    /** A file of docker/ with paths of this machine. */
    const read = async (file: string, places: Record<string, string>) => {
      let text = await Deno.readTextFile(`${DOCKER}${file}`);
      for (const [place, here] of Object.entries(places)) {
        assert(text.includes(place), `${file} does not name ${place}`);
        text = text.replaceAll(place, here);
      }
      return JSON.parse(text);
    };
    const realmUrl = "https://keycloak:8443/realms/imaging";
    const files = (...names: string[]) =>
      Object.fromEntries(names.map((name) => [`"${name}"`, `"${made}/certificates/${name}"`]));

    await using archive = await Orthanc.start({ config: await read("archive/orthanc.json", {}) });
    const storeSection = (await read("store/gateway.json", {
      [realmUrl]: provider.issuer,
      "http://archive:8042": archive.url,
      ...files("store.crt", "store.key", "authority.crt"),
    })).DicomWebOAuth;
    await using store = await startGateway(
      { ...storeSection, Listen: { ...storeSection.Listen, ...LOOPBACK } },
      { caCertificatePem: authority },
    );
    const gatewaySection = (await read("gateway/gateway.json", {
      [realmUrl]: provider.issuer,
      "https://store:8043": store.url,
      "/run/secrets/client-secret": `${made}/secrets/client-secret`,
      ...files("authority.crt"),
    })).DicomWebOAuth;
    await using gateway = await startGateway({ ...gatewaySection, Listen: LOOPBACK }, { env });
    await using hospital = await Orthanc.start({
      config: await read("orthanc/orthanc.json", { "http://10.213.7.2:8043": gateway.url }),
      env,
    });

    const study = newUid();
    const hashes = new Map<string, string>();
    for (let instanceNumber = 1; instanceNumber <= 3; instanceNumber++) {
      const sopInstanceUid = newUid();
      const file = dicomFile({
        sopInstanceUid,
        seriesInstanceUid: `${study}.1`,
        studyInstanceUid: study,
        instanceNumber,
        patientId: "COMPOSE-1",
        rows: 64,
        columns: 64,
      });
      hashes.set(sopInstanceUid, sha256(file));
      await hospital.upload(file);
    }

    await t.step("stores", async () => {
      const job = await hospital.stow("cloud", study);
      assert.equal(job.State, "Success", `${job.ErrorDescription} ${gateway.output()}`);
      assert.deepEqual(await archive.fileHashes(), hashes);
    });
    await t.step("queries", async () => {
      const found = await hospital.qido("cloud", "/studies", { PatientID: "COMPOSE-1" });
      assert.equal((found as unknown[]).length, 1);
    });
    await t.step("retrieves", async () => {
      await hospital.clear();
      const job = await hospital.retrieve("cloud", [{ Study: study }]);
      assert.equal(job.State, "Success", `${job.ErrorDescription} ${gateway.output()}`);
      assert.deepEqual(await hospital.fileHashes(), hashes);
    });
    await t.step(
      "rejects clients without a key and gateways without a token",
      async () => {
        using http = Deno.createHttpClient({ caCerts: [authority] });
        const ask = async (url: string, headers: Record<string, string> = {}) => {
          const response = await fetch(url, { client: http, headers });
          await response.body?.cancel();
          return response.status;
        };
        const front = `${gateway.url}/dicom-web/cloud/studies`;
        const back = `${store.url}/dicom-web/archive/studies`;
        assert.equal(await ask(front), 401);
        assert.equal(await ask(front, { "x-api-key": env["GATEWAY_API_KEY"]! }), 200);
        assert.equal(await ask(back), 401);
        assert.equal(await ask(back, { "x-api-key": env["GATEWAY_API_KEY"]! }), 401);
      },
    );
    await t.step("needed one token for all of it", () => {
      assert.equal(provider.tokenRequests(), 1);
    });
    await provider.close();
    await Deno.remove(made, { recursive: true });
  },
};

Deno.test(needing(OPENSSL, needing(ORTHANC, test)));
