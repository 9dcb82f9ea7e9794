/**
 * Completions for shells, derived from the command tree.
 */
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly word: string;
  readonly meaning: string;
}

interface Place {
  /** The names of the commands that lead there, separated by blanks; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly (Word & { readonly takes: string | undefined })[];
  /** The fixed values of an argument. */
  readonly choices: readonly string[];
}

const WRITERS: Readonly<Record<Shell, (name: string, places: readonly Place[]) => string>> = {
  bash,
  zsh,
  fish,
  powershell,
};

/** Writes the completion script of a program, without its last line end. */
export function completions(program: Command, shell: Shell): string {
  return WRITERS[shell](program.name(), placesOf(program, []));
}

function placesOf(command: Command, path: readonly string[]): Place[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const place: Place = {
    path: path.join(" "),
    commands: commands.map((each) => ({ word: each.name(), meaning: each.description() })),
    options: help.visibleOptions(command).flatMap(({ short, long, description, flags }) => {
      const takes = /<([^<>]+)>/.exec(flags)?.[1];
      return [short, long].filter((word) => typeof word === "string")
        .map((word) => ({ word, meaning: description, takes }));
    }),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  const inner = commands.filter((each) => command.commands.includes(each));
  return [place, ...inner.flatMap((each) => placesOf(each, [...path, each.name()]))];
}

function functionName(name: string): string {
  return `_${name.replaceAll("-", "_")}`;
}

/** The options with a value, as alternatives of a shell's `case`. */
function optionsTaking(kind: "file" | "other", places: readonly Place[]): string {
  const options = places.flatMap(({ options }) => options).filter(({ takes }) =>
    takes !== undefined && (takes === "file") === (kind === "file")
  );
  return [...new Set(options.map(({ word }) => word))].join("|");
}

/** Branches of a shell's `case`: which word leads from which place to which. */
function steps(places: readonly Place[]): string {
  return places.filter(({ path }) => path !== "").map(({ path }) => {
    const cut = path.lastIndexOf(" ");
    const from = path.slice(0, Math.max(cut, 0));
    return `      "${from}/${path.slice(cut + 1)}") place="${path}" ;;`;
  }).join("\n");
}

function bash(name: string, places: readonly Place[]): string {
  const fn = functionName(name);
  const words = places.map(({ path, commands, options, choices }) => {
    const all = [...[...commands, ...options].map(({ word }) => word), ...choices];
    return `    "${path}") word="${all.join(" ")}" ;;`;
  });
  // If the function returns nothing, Bash completes file names.
  return `# bash completion for ${name}
${fn}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place="" word
  COMPREPLY=()
  case "$previous" in
    ${optionsTaking("file", places)}|${optionsTaking("other", places)}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place/$word" in
${steps(places)}
    esac
  done
  case "$place" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$word" -- "$current"))
}
complete -o default -F ${fn} ${name}`;
}

function zsh(name: string, places: readonly Place[]): string {
  const fn = functionName(name);
  const described = ({ word, meaning }: Word) =>
    `'${word}:${meaning.replaceAll("'", "'\\''").replaceAll(":", "\\:")}'`;
  const words = places.map(({ path, commands, options, choices }) => {
    const all = [
      ...[...commands, ...options].map(described),
      ...choices.map((each) => `'${each}'`),
    ];
    return `    "${path}") found=(${all.join(" ")}) ;;`;
  });
  return `#compdef ${name}
${fn}() {
  local place="" word
  local -a found
  case "\${words[CURRENT-1]}" in
    ${optionsTaking("file", places)}) _files; return ;;
    ${optionsTaking("other", places)}) return ;;
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place/$word" in
${steps(places)}
    esac
  done
  case "$place" in
${words.join("\n")}
  esac
  _describe '${name}' found
}
# Loaded from $fpath, this file is the function's body; otherwise it was sourced.
if [[ "\${funcstack[1]}" = "_${name}" ]]; then ${fn} "$@"; else compdef ${fn} ${name}; fi`;
}

function fish(name: string, places: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = [`# fish completion for ${name}`, `complete -c ${name} -f`];
  for (const { path, commands, options, choices } of places) {
    const names = path.split(" ").filter((each) => each !== "");
    const inside = [
      ...names.map((each) => `__fish_seen_subcommand_from ${each}`),
      ...(commands.length === 0 ? [] : [
        `not __fish_seen_subcommand_from ${commands.map(({ word }) => word).join(" ")}`,
      ]),
    ].join("; and ");
    const line = (rest: string) => lines.push(`complete -c ${name} -n ${quoted(inside)} ${rest}`);
    for (const { word, meaning } of commands) line(`-a ${word} -d ${quoted(meaning)}`);
    for (const each of choices) line(`-a ${each}`);
    for (const { word, meaning, takes } of options) {
      const flag = word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
      const value = takes === undefined ? "" : takes === "file" ? " -r -F" : " -x";
      line(`${flag}${value} -d ${quoted(meaning)}`);
    }
  }
  return lines.join("\n");
}

/** For Windows PowerShell 5.1 and PowerShell 7 (`Register-ArgumentCompleter`). */
function powershell(name: string, places: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  const list = (words: readonly string[]) => words.map(quoted).join(", ");
  const taking = (kind: "file" | "other") =>
    `@(${list(optionsTaking(kind, places).split("|").filter((each) => each !== ""))})`;
  // A pair is an array of its own: PowerShell would join them to one list.
  const rows = places.map(({ path, commands, options, choices }) => {
    const pairs = [
      ...[...commands, ...options].map(({ word, meaning }) => [word, meaning]),
      ...choices.map((each) => [each, each]),
    ].map((pair) => `, @(${list(pair as string[])})`);
    return `    ${quoted(path)} = @(\n      ${pairs.join("\n      ")}\n    )`;
  });
  return `# PowerShell completion for ${name}
Register-ArgumentCompleter -Native -CommandName ${quoted(name)}, ${
    quoted(`${name}.exe`)
  } -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $places = @{
${rows.join("\n")}
  }
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
  if ($words.Count -gt 0) {
    # No result: PowerShell completes file names.
    if (${taking("file")} -ccontains $words[-1]) { return }
    if (${taking("other")} -ccontains $words[-1]) { return '' }
  }
  $place = ''
  foreach ($word in $words) {
    $inner = "$place $word".Trim()
    if ($places.ContainsKey($inner)) { $place = $inner }
  }
  $places[$place] | Where-Object { $_[0].StartsWith($wordToComplete) } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}`;
}
