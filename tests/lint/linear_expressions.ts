/**
 * A lint plugin that rejects regular expressions in `src/` whose running time grows faster than
 * their input: one long header or page would block every other client. It finds expressions that
 * backtrack into themselves (`(a+)+b`), and those that start again within text that they have just
 * searched in vain (`/a+$/`, `/<[^>]*>/`). A test runs it: `deno lint` cannot load npm imports
 * while `nodeModulesDir` is `manual`.
 */
import type { AST } from "@eslint-community/regexpp";
import { RegExpParser } from "@eslint-community/regexpp";
import { getConsumedChars, type ReadonlyFlags } from "regexp-ast-analysis";
import { analyse } from "scslre";

const LF = 10;

const linear: Deno.lint.Rule = {
  create(context) {
    if (!/(?:^|\/)src\/[^]*\.tsx?$/.test(context.filename.replaceAll("\\", "/"))) return {};
    const refuseConstructed = (node: Deno.lint.NewExpression | Deno.lint.CallExpression) => {
      if (node.callee.type !== "Identifier" || node.callee.name !== "RegExp") return;
      context.report({
        node,
        message: "An expression made at run time cannot be checked: write a literal",
      });
    };
    return {
      NewExpression: refuseConstructed,
      CallExpression: refuseConstructed,
      Literal(node) {
        if (!("regex" in node) || node.regex === undefined) return;
        const fault = faultOf(node.regex.pattern, node.regex.flags);
        if (fault === undefined) return;
        context.report({
          node,
          message: `The time of this expression is not linear in its input: ${fault}`,
        });
      },
    };
  },
};

function faultOf(source: string, flags: string): string | undefined {
  const { reports } = analyse({ source, flags }, { assumeRejectingSuffix: false });
  if (reports.some(({ type }) => type !== "Move")) return "it backtracks";
  const literal = new RegExpParser().parseLiteral(`/${source}/${flags}`);
  // A sticky expression is tried at one position only.
  if (flags.includes("y")) return undefined;
  const again = reports.length > 0 ||
    literal.pattern.alternatives.some((each) => restarts(each, literal.flags));
  return again ? "it starts again within text that it has searched" : undefined;
}

/**
 * Whether the prefix of an unbounded repetition can match within that repetition, and its suffix
 * may be missing: then each such start searches to the end of the text.
 */
function restarts({ elements }: AST.Alternative, flags: ReadonlyFlags): boolean {
  const sequence = elements.flatMap(flat);
  const [first] = sequence;
  const isAnchored = first?.type === "Assertion" && first.kind === "start";
  if (isAnchored && !flags.multiline) return false;
  return sequence.some((each, at) => {
    if (each.type !== "Quantifier" || each.max !== Infinity) return false;
    const within = getConsumedChars(each.element, flags).chars;
    // A line does not start again within itself.
    if (isAnchored && !within.has(LF)) return false;
    const leads = sequence.slice(0, at)
      .every((lead) => getConsumedChars(lead, flags).chars.isSubsetOf(within));
    return leads && sequence.slice(at + 1).some((rest) => mayBeMissing(rest));
  });
}

/** Unwraps groups with one alternative. */
function flat(element: AST.Element): AST.Element[] {
  const isGroup = element.type === "Group" || element.type === "CapturingGroup";
  return isGroup && element.alternatives.length === 1
    ? element.alternatives[0]!.elements.flatMap(flat)
    : [element];
}

function mayBeMissing(element: AST.Element): boolean {
  return element.type !== "Quantifier" || element.min > 0;
}

const plugin: Deno.lint.Plugin = { name: "regex", rules: { linear } };
export default plugin;
