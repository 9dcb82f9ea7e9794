/**
 * Completions for shells, made from the command tree itself: a command or option that is added is
 * completed at once.
 *
 * @module
 */
import type { Command } from "commander";

/** The shells there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell. */
export type Shell = (typeof SHELLS)[number];

/** A word with what it means. */
interface Word {
  readonly word: string;
  readonly meaning: string;
}

/** A place in the command tree. */
interface Place {
  /** The commands that lead there, separated by blanks; empty at the top. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly (Word & { readonly takes: string | undefined })[];
  /** What stands in place of an argument, where that is fixed. */
  readonly choices: readonly string[];
}

/**
 * Writes the completions of a program for a shell.
 *
 * @returns The script, without the last line's end.
 */
export function completions(program: Command, shell: Shell): string {
  const places = placesOf(program, []);
  const name = program.name();
  switch (shell) {
    case "bash":
      return bash(name, places);
    case "zsh":
      return zsh(name, places);
    case "fish":
      return fish(name, places);
  }
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

/** The paths at which a word leads on. */
function steps(places: readonly Place[]): { from: string; word: string; to: string }[] {
  return places.filter(({ path }) => path !== "").map(({ path }) => {
    const cut = path.lastIndexOf(" ");
    return { from: path.slice(0, Math.max(cut, 0)), word: path.slice(cut + 1), to: path };
  });
}

/** The options that take a file, and those that take something else. */
function valued(places: readonly Place[]): { files: string; others: string } {
  const all = places.flatMap(({ options }) => options);
  const words = (wanted: (takes: string) => boolean) =>
    [
      ...new Set(
        all.filter(({ takes }) => takes !== undefined && wanted(takes)).map(({ word }) => word),
      ),
    ].join("|");
  return { files: words((takes) => takes === "file"), others: words((takes) => takes !== "file") };
}

function bash(name: string, places: readonly Place[]): string {
  const fn = `_${name.replaceAll("-", "_")}`;
  const { files, others } = valued(places);
  // Without an answer of the function, Bash completes the names of files.
  return `# bash completion for ${name}
${fn}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" place="" word
  COMPREPLY=()
  case "$previous" in
    ${files}|${others}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place/$word" in
${steps(places).map(({ from, word, to }) => `      "${from}/${word}") place="${to}" ;;`).join("\n")}
    esac
  done
  case "$place" in
${
    places.map(({ path, commands, options, choices }) =>
      `    "${path}") word="${
        [...commands, ...options].map(({ word }) => word).concat(choices).join(" ")
      }" ;;`
    ).join("\n")
  }
  esac
  COMPREPLY=($(compgen -W "$word" -- "$current"))
}
complete -o default -F ${fn} ${name}`;
}

function zsh(name: string, places: readonly Place[]): string {
  const fn = `_${name.replaceAll("-", "_")}`;
  const { files, others } = valued(places);
  const described = ({ word, meaning }: Word) =>
    `'${word}:${meaning.replaceAll("'", "'\\''").replaceAll(":", "\\:")}'`;
  return `#compdef ${name}
${fn}() {
  local place="" word
  local -a found
  case "\${words[CURRENT-1]}" in
    ${files}) _files; return ;;
    ${others}) return ;;
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place/$word" in
${steps(places).map(({ from, word, to }) => `      "${from}/${word}") place="${to}" ;;`).join("\n")}
    esac
  done
  case "$place" in
${
    places.map(({ path, commands, options, choices }) =>
      `    "${path}") found=(${
        [...commands, ...options].map(described).concat(choices.map((each) => `'${each}'`))
          .join(" ")
      }) ;;`
    ).join("\n")
  }
  esac
  _describe '${name}' found
}
# As a file of $fpath it is called itself; else it was sourced.
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
