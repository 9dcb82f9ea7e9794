/**
 * The rules of `Permissions`, one row each.
 */
import assert from "node:assert/strict";
import { assertProblem, parseSection, sectionProblems } from "./memory_files.ts";

const HASH =
  "$scrypt$ln=15,r=8,p=3$CpEh2u0aZskWFN4O+2Ku7Q$aXZpjfwOUdeQlfY8AWfq964wz4sw1tydqia/oz4XALA";
const SECTION = {
  Servers: { main: { ProviderType: "none", Url: "https://a.example" } },
  Authentication: {
    Basic: { Users: { alice: HASH }, UsersFile: "users" },
    ApiKeys: { Keys: { viewer: `sha256:${"ab".repeat(32)}` } },
    Jwt: { hospital: { Issuer: "https://idp.example", Audience: "gateway" } },
  },
};
const files = { "/srv/gateway/users": `bob:${HASH}` };

const rows: readonly [permissions: unknown, problem: string][] = [
  [[], "CFG-002 Permissions: must not be empty"],
  [{}, "CFG-002 Permissions: must be a list"],
  [[{ Subjects: ["*"] }], "CFG-001 Permissions[0].Transactions: is missing"],
  [[{ Transactions: ["query"] }], "CFG-001 Permissions[0].Subjects: is missing"],
  [
    [{ Subjects: [], Transactions: ["query"] }],
    "CFG-002 Permissions[0].Subjects: must not be empty",
  ],
  [
    [{ Subjects: ["*"], Servers: [], Transactions: ["query"] }],
    "CFG-002 Permissions[0].Servers: must not be empty",
  ],
  [
    [{ Subjects: ["*"], Transactions: ["read"] }],
    'CFG-002 Permissions[0].Transactions[0]: must be one of "query", "retrieve", "store", "delete", ' +
    '"worklist", "capabilities", "vendor", "unknown", "manage", "metrics"',
  ],
  [
    [{ Subjects: ["*"], Servers: ["maim"], Transactions: ["query"] }],
    'CFG-002 Permissions[0].Servers[0]: names no server; the nearest is "main"',
  ],
  [
    [{ Subjects: ["user:alise"], Transactions: ["query"] }],
    'CFG-002 Permissions[0].Subjects[0]: is not a subject that Authentication defines; the nearest is "user:alice"',
  ],
  ...["alice", "anonymous", "jwt:clinic:*", "jwt:hospital:", "role:clinic:read", "User:alice"].map((
    subject,
  ): [unknown, string] => [
    [{ Subjects: ["*", subject], Transactions: ["query"] }],
    "CFG-002 Permissions[0].Subjects[1]: is not a subject that Authentication defines",
  ]),
];

for (const [permissions, problem] of rows) {
  Deno.test(`Permissions: ${JSON.stringify(permissions)}: ${problem.slice(0, 60)}`, async () => {
    const section = { ...SECTION, Permissions: permissions };
    assertProblem(await sectionProblems(section, { files }), problem);
  });
}

Deno.test("Permissions: every kind of subject is known, and servers are all unless named", async () => {
  const subjects = [
    "*",
    "user:alice",
    "user:bob",
    "user:*",
    "key:viewer",
    "key:*",
    "jwt:hospital:4711",
    "jwt:hospital:*",
    "role:hospital:radiologist",
  ];
  const { permissions } = await parseSection({
    ...SECTION,
    Permissions: [{ Subjects: subjects, Transactions: ["query", "unknown"] }],
  }, { files });
  assert.deepEqual(permissions, [{ subjects, servers: ["*"], rights: ["query", "unknown"] }]);
});

Deno.test("Permissions: without Authentication everyone is anonymous", async () => {
  const { permissions } = await parseSection({
    Servers: SECTION.Servers,
    Permissions: [{ Subjects: ["anonymous"], Transactions: ["query"] }],
  });
  assert.deepEqual(permissions?.[0]?.subjects, ["anonymous"]);
});
