import assert from "node:assert/strict";
import fc from "fast-check";
import { Secret } from "../../../src/config/values/secret.ts";
import { auditFiles } from "../../../src/runtime/audit/audit_file.ts";
import { type TrailReport, verifyTrail } from "../../../src/runtime/audit/verify_trail.ts";
import { event, eventOf, KEY, withTrail, writeTrail } from "./trail_harness.ts";
import { NO_RECORDS, seal } from "../../../src/telemetry/audit_chain.ts";

const verify = async (path: string): Promise<TrailReport> =>
  await verifyTrail(await auditFiles(path), { key: KEY });

Deno.test("A trail is intact over restarts and finished files", () =>
  withTrail(async (path) => {
    await writeTrail(path, [3, 1, 4], { maxBytes: 900 });
    await writeTrail(path, [1, 5], { maxBytes: 900 });
    const { records, first, end, faults } = await verify(path);
    assert.deepEqual({ records, first, sequence: end.sequence, faults }, {
      records: 14,
      first: 1,
      sequence: 14,
      faults: [],
    });
    assert((await auditFiles(path)).length > 2, "no file was finished");
  }));

Deno.test("A changed byte is found, at its line, wherever it is", () =>
  withTrail(async (path) => {
    await writeTrail(path, [6]);
    const whole = await Deno.readFile(path);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: whole.length - 2 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, difference) => {
          const changed = whole.slice();
          changed[at]! ^= difference;
          await Deno.writeFile(path, changed);
          const { faults } = await verify(path);
          assert(faults.length > 0, `byte ${at} was changed by ${difference}`);
          const line = whole.subarray(0, at).filter((byte) => byte === 10).length + 1;
          assert(Math.abs(faults[0]!.line - line) <= 1, `line ${line}, not ${faults[0]!.line}`);
        },
      ),
      { numRuns: 300 },
    );
  }));

Deno.test("A removed, repeated or moved record is found, and the missing ones are named", () =>
  withTrail(async (path) => {
    await writeTrail(path, [6]);
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    const faultsOf = async (changed: readonly string[]) => {
      await Deno.writeTextFile(path, `${changed.join("\n")}\n`);
      return (await verify(path)).faults.map(({ line, fault }) => `${line} ${fault}`);
    };
    assert.deepEqual(await faultsOf(lines), []);
    assert.deepEqual(await faultsOf(lines.toSpliced(2, 1)), [
      "3 is record 4: record 3 is missing",
    ]);
    assert.deepEqual(await faultsOf(lines.toSpliced(1, 3)), [
      "2 is record 5: records 2 to 4 are missing",
    ]);
    assert.deepEqual(await faultsOf(lines.toSpliced(2, 0, lines[1]!)), [
      "3 is record 2, which is out of order or duplicated",
    ]);
    assert.deepEqual(await faultsOf([lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)]), [
      "2 is record 3: record 2 is missing",
      "3 is record 2, which is out of order or duplicated",
      "4 is record 4: record 3 is missing",
    ]);
    assert.deepEqual(await faultsOf(lines.with(3, "{}")), [
      "4 is not a record",
      "5 is record 5: record 4 is missing",
    ]);
  }));

Deno.test("A missing file in the middle is found; the oldest ones may be missing", () =>
  withTrail(async (path) => {
    await writeTrail(path, Array(9).fill(1), { maxBytes: 900 });
    const files = await auditFiles(path);
    const without = (index: number) =>
      verifyTrail(files.toSpliced(index, 1), { key: KEY }).then(({ faults }) => faults.length);
    assert.equal(await without(1), 1);
    const { first, faults } = await verifyTrail(files.slice(1), { key: KEY });
    assert.deepEqual(faults, []);
    assert(first > 1);
  }));

Deno.test("A chain that was forged without the key is found; one with another past, too", () =>
  withTrail(async (path) => {
    await writeTrail(path, [3]);
    const forge = async (key: Secret | undefined) => {
      const { lines } = seal([event(7), event(8)], NO_RECORDS, key);
      await Deno.writeTextFile(path, `${lines.join("\n")}\n`);
      return (await verify(path)).faults.map(({ fault }) => fault);
    };
    const changed = "was modified, or is sealed with another key";
    assert.deepEqual(await forge(undefined), [changed, changed]);
    assert.deepEqual(await forge(new Secret("x".repeat(32))), [changed, changed]);
    assert.deepEqual(await forge(KEY), []);
  }));

Deno.test("Records removed at the end are found by a noted anchor", () =>
  withTrail(async (path) => {
    await writeTrail(path, [5]);
    const { end } = await verify(path);
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    await Deno.writeTextFile(path, `${lines.slice(0, 3).join("\n")}\n`);
    assert.deepEqual((await verify(path)).faults, []);
    const { faults } = await verifyTrail([path], { key: KEY, anchor: end });
    assert.deepEqual(faults.map(({ fault }) => fault), [
      "is the last; the anchored record 5 is missing",
    ]);
  }));

Deno.test("Changed bytes that a lenient decoder would not see are found", () =>
  withTrail(async (path) => {
    const { lines } = seal(
      [JSON.stringify({ ...eventOf(1), subject: "user:\uFFFD" })],
      NO_RECORDS,
      KEY,
    );
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")));
    const encoder = new TextEncoder();
    const whole = encoder.encode(`${lines[0]}\n`);
    const faultsOf = async (bytes: readonly number[]) => {
      await Deno.writeFile(path, new Uint8Array(bytes));
      return (await verify(path)).faults.map(({ line, fault }) => `${line} ${fault}`);
    };
    assert.deepEqual(await faultsOf([...whole]), []);
    assert.deepEqual(await faultsOf([0xEF, 0xBB, 0xBF, ...whole]), ["1 is not a record"]);
    assert.deepEqual(await faultsOf([...whole, 10]), ["2 is not a record"]);
    assert.deepEqual(await faultsOf([...whole.subarray(0, -1), 13, 10]), ["1 is not a record"]);
    const at = whole.indexOf(0xEF);
    assert.deepEqual(
      await faultsOf([...whole.subarray(0, at), 0xFF, ...whole.subarray(at + 3)]),
      ["1 is not a record"],
    );
    assert.deepEqual(await faultsOf([...Array(3e6).fill(0x20), 10]), ["1 is not a record"]);
  }));

Deno.test("Any lines that are removed or moved over several files are found, unless they are the end", () =>
  withTrail(async (path) => {
    await writeTrail(path, Array(6).fill(2), { maxBytes: 900 });
    const files = await auditFiles(path);
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
    const lines = texts.flatMap((text, file) =>
      text.split("\n").slice(0, -1).map((line) => ({ file, line }))
    );
    assert.equal(lines.length, 12);
    const verifyLines = async (changed: readonly { file: number; line: string }[]) => {
      for (const [index, file] of files.entries()) {
        const own = changed.filter((line) => line.file === index).map(({ line }) => `${line}\n`);
        await Deno.writeTextFile(file, own.join(""));
      }
      return (await verify(path)).faults.length;
    };
    assert.equal(await verifyLines(lines), 0);
    await fc.assert(
      fc.asyncProperty(fc.subarray(lines, { minLength: 1 }), async (left) => {
        const [first, last] = [lines.indexOf(left[0]!), lines.indexOf(left.at(-1)!)];
        const hasGap = last - first + 1 > left.length;
        assert.equal(await verifyLines(left) > 0, hasGap);
      }),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(lines, { minLength: 2 }), async (moved) => {
        const placed = moved.map(({ line }, i) => ({ file: lines[i]!.file, line }));
        const numbers = moved.map((line) => lines.indexOf(line));
        const inOrder = numbers.every((number, i) => i === 0 || number === numbers[i - 1]! + 1);
        assert.equal(await verifyLines(placed) > 0, !inOrder);
      }),
      { numRuns: 100 },
    );
  }));
