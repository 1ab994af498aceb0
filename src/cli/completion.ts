import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandEntry, CommandIo } from "./commands.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { readTree } from "./completion/tree.ts";
import { zshScript } from "./completion/zsh.ts";
import { EXIT } from "./exit-codes.ts";
import { helpPage } from "./wrap.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

type Shell = keyof typeof SCRIPTS;

const INSTALL = {
  bash: "holdfast completion bash > /etc/bash_completion.d/holdfast, or: source <(holdfast completion bash)",
  zsh: "holdfast completion zsh > _holdfast, in a directory of $fpath",
  fish: "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
} as const satisfies Record<Shell, string>;

const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

const ABOUT =
  "Prints a script that lets a shell complete the commands of this version, their flags, and the values of flags that\n" +
  "take one of a few words.";

export const COMPLETION: CommandShape = {
  ...NO_SHAPE,
  about: ABOUT,
  subcommands: SHELLS.map((name) => ({ name, operand: "", summary: INSTALL[name], flags: [] })),
};

export async function completion(
  args: readonly string[],
  io: CommandIo,
  commands: readonly CommandEntry[],
): Promise<number> {
  const [given, ...more] = args;
  if (args.includes("--help") || args.includes("-h")) {
    const lines = SHELLS.map((shell) => `  ${INSTALL[shell]}\n`);
    io.out(helpPage(`Usage: holdfast completion ${SHELLS.join("|")}\n\n${ABOUT}\n\n${lines.join("")}`));
    return EXIT.done;
  }
  const shell = SHELLS.find((known) => known === given);
  if (shell === undefined || more.length > 0) {
    io.error(`holdfast: say for which shell: "holdfast completion ${SHELLS.join("|")}"\n`);
    return EXIT.misunderstood;
  }
  io.out(SCRIPTS[shell](await readTree(commands)));
  return EXIT.done;
}
