import { plain, table } from "./markdown.ts";

/** What the index of docs/proof/ says of a page. */
export interface Entry {
  readonly page: string;
  readonly title: string;
  /** What the page shows: a sentence. */
  readonly about: string;
  /** What makes its report again, from the root, without the seed. */
  readonly command: string;
  /** What came of it: a sentence. */
  readonly found: string;
  readonly runs: readonly RunFacts[];
}

export interface RunFacts {
  /** As ISO 8601 has it. */
  readonly started: string;
  readonly commit: string;
  readonly node: string;
  /** Null: the one that `npm ci` installs at that commit. */
  readonly postgres: string | null;
  /** Null: nothing in it is left to dice, or each thing has a seed of its own. */
  readonly seed: number | null;
}

const HEAD = `<!-- Written by scripts/proof-page.ts from docs/proof/*.json. Do not edit. -->

# Proof

What was done to Holdfast to see whether it keeps its promises, and what came of it. [Guarantees](../guarantees.md) names the tests of each promise; here is what takes longer than tests may. Each page is made of a report beside it, in JSON, as a program of [proof/](../../proof) wrote it.
`;

const FOOT = `What has no page, since every run of the tests repeats all of it or a good part: [the model](../../proof/model/README.md) (\`npm run proof:model\`), the simulation (\`npm run sim\`), and [the histories](../../proof/history/README.md) of callers on two servers (\`npx vitest run --project process test/process/histories.test.ts\`).
`;

export function indexPage(entries: readonly Entry[]): string {
  const links = entries.map(({ page, title, about, found }) => [`[${title}](${page})`, about, found]);
  const runs = entries.flatMap(({ page, title, runs }) => runs.map((run) => [`[${title}](${page})`, ...factsOf(run)]));
  const commands = entries.map(({ title, command }) => `# ${title}\n${command} && node scripts/proof-page.ts`);
  const parts = [
    HEAD.trim(),
    table(["", "what it shows", "what was found"], links),
    `## When, and of what\n\n${table(["", "started", "commit", "Node", "PostgreSQL", "seed"], runs)}`,
    `## Again\n\nOne command for each page, from the root of the tree. With \`--seed\` and the seed of the table the same is tried again; how processes get on with it is decided by none. Each program says by \`--help\` how to run one line of its page.`,
    `\`\`\`sh\n${commands.join("\n\n")}\n\`\`\``,
    FOOT.trim(),
  ];
  return `${parts.join("\n\n")}\n`;
}

function factsOf({ started, commit, node, postgres, seed }: RunFacts): readonly string[] {
  const facts = [
    started.slice(0, 10),
    commit,
    node.replace(/^v/, ""),
    postgres ?? "–",
    seed === null ? "–" : `${seed}`,
  ];
  return facts.map(plain);
}
