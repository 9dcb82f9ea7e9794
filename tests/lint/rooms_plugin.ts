/**
 * A lint plugin that enforces the rooms of `src/`: their imports, their privileges, and no files
 * named for anything. It checks names, not bindings: it prevents accidents, not intent.
 */
import { fileURLToPath } from "node:url";
import { DRAWERS, type Privilege, PRIVILEGES, ROOMS } from "./rooms.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replaceAll("\\", "/");
const GLOBAL_OBJECTS = ["globalThis", "self", "window"];

const importDirection: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (path === undefined) return {};
    return onImports((specifier, node) => {
      if (!specifier.startsWith(".") && !specifier.startsWith("/")) return;
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
      const problem = directionProblem(path, target);
      if (problem !== undefined) context.report({ node, message: problem });
    });
  },
};

const privilege: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (path === undefined) return {};
    const room = roomOf(path);
    const denied = PRIVILEGES.filter(({ rooms }) => room === undefined || !rooms.includes(room));
    const report = (node: Deno.lint.Node, name: string, { what, rooms }: Privilege) =>
      context.report({
        node,
        message: `${name}: only ${rooms.map((room) => `${room}/`).join(" and ")} may ${what}`,
      });
    const checkGlobal = (node: Deno.lint.Node, name: string) => {
      for (const each of denied) if (each.globals?.includes(name)) report(node, name, each);
    };
    const checkDeno = (node: Deno.lint.Node, member: string | undefined) => {
      for (const each of denied) {
        if (member !== undefined && each.deno?.includes(member)) {
          report(node, `Deno.${member}`, each);
        }
      }
    };
    return {
      ...onImports((specifier, node) => {
        const name = specifier.replace(/^npm:\/?/, "").replace(/(?<=.)@[^/]*/, "");
        for (const each of denied) {
          if (each.modules?.some((module) => name === module || name.startsWith(`${module}/`))) {
            report(node, specifier, each);
          }
        }
      }),
      Identifier(node) {
        if (node.name === "Deno") {
          if (isValue(node) && !isMemberObject(node)) {
            context.report({
              node,
              message: "Deno is used as Deno.member, so that the rooms can be checked",
            });
          }
        } else if (isValue(node)) checkGlobal(node, node.name);
      },
      MemberExpression(node) {
        if (node.object.type === "Identifier") {
          const member = memberName(node);
          if (node.object.name === "Deno") {
            if (member === undefined) {
              context.report({
                node,
                message: "Deno is used as Deno.member, so that the rooms can be checked",
              });
            }
            checkDeno(node, member);
          } else if (GLOBAL_OBJECTS.includes(node.object.name) && member !== undefined) {
            if (member === "Deno") {
              context.report({ node, message: "Deno is used by its own name" });
            }
            checkGlobal(node, member);
          }
        }
      },
    };
  },
};

const noDrawers: Deno.lint.Rule = {
  create(context) {
    const path = sourcePath(context.filename);
    if (path === undefined) return {};
    return {
      Program(node) {
        const drawer = path.split("/").find((part) =>
          DRAWERS.includes(part.replace(/(_test)?\.tsx?$/, ""))
        );
        if (drawer !== undefined) {
          context.report({
            node,
            message: `${drawer}: name the file or folder for the one thing that it holds`,
          });
        } else if (path.startsWith("src/") && roomOf(path) === undefined) {
          context.report({ node, message: `${path} is in none of the rooms: ${ROOMS.join(", ")}` });
        }
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "rooms",
  rules: {
    "import-direction": importDirection,
    "privilege": privilege,
    "no-drawers": noDrawers,
  },
};

export default plugin;

/** The path of a program's file inside the project; undefined for tests and other files. */
function sourcePath(filename: string): string | undefined {
  const path = filename.replaceAll("\\", "/");
  const inside = path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
  return inside.startsWith("src/") || inside === "main.ts" ? inside : undefined;
}

function roomOf(path: string): string | undefined {
  const room = /^src\/([^/]+)\//.exec(path)?.[1];
  return room !== undefined && ROOMS.includes(room) ? room : undefined;
}

function directionProblem(path: string, target: string): string | undefined {
  if (path === "main.ts") {
    return roomOf(target) === "cli" ? undefined : "main.ts imports cli/ and nothing else";
  }
  if (target === "deno.json") return undefined;
  const from = roomOf(path);
  const to = roomOf(target);
  if (to === undefined) return `${target} is outside the rooms of src/`;
  if (from === undefined || ROOMS.indexOf(to) > ROOMS.indexOf(from)) {
    return `${from ?? path}/ may not import ${to}/: imports point to the rooms listed before it`;
  }
  return undefined;
}

/** Visits every module specifier: imports and exports, static, dynamic and of types. */
function onImports(
  visit: (specifier: string, node: Deno.lint.Node) => void,
): Deno.lint.LintVisitor {
  const literal = (source: Deno.lint.Node | null, node: Deno.lint.Node) => {
    const name = source?.type === "TSLiteralType" ? source.literal : source;
    if (name?.type === "Literal" && typeof name.value === "string") visit(name.value, node);
  };
  return {
    ImportDeclaration: (node) => literal(node.source, node),
    ExportNamedDeclaration: (node) => literal(node.source, node),
    ExportAllDeclaration: (node) => literal(node.source, node),
    ImportExpression: (node) => literal(node.source, node),
    TSImportType: (node) => literal(node.argument, node),
  };
}

/** Whether an identifier is or binds a value, rather than a key, member or type. */
function isValue(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.computed || parent.object === node;
    case "Property":
      return parent.value === node || (parent.computed && parent.key === node);
    case "PropertyDefinition":
      return parent.computed || (parent.value !== null && parent.value === node);
    case "MethodDefinition":
      return parent.computed;
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSTypeQuery":
    case "TSTypeReference":
    case "TSQualifiedName":
    case "ImportSpecifier":
    case "ExportSpecifier":
      return false;
    default:
      return true;
  }
}

function isMemberObject(node: Deno.lint.Identifier): boolean {
  return node.parent.type === "MemberExpression" && node.parent.object === node;
}

function memberName(node: Deno.lint.MemberExpression): string | undefined {
  const { property } = node;
  if (property.type === "Identifier" && !node.computed) return property.name;
  if (property.type === "Literal" && typeof property.value === "string") return property.value;
  return undefined;
}
