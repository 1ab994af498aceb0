// An agent is started again in the middle of a turn: `npx node examples/cookbook/agent-tools.ts [host:port] [turn]`
import { type Attempt, createClient } from "holdfast/client";

const [address = "127.0.0.1:7400", turn = `turn-${crypto.randomUUID()}`] = process.argv.slice(2);
await using holdfast = createClient({ address, owner: { service: "agent" } });

/** What a model asks for. Its id comes from the model's answer, which is kept with the conversation: a replay has the same. */
interface ToolCall {
  readonly id: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

interface Tool {
  /** Reading twice does no harm. Writing twice may: then nobody guesses what became of an attempt that vanished. */
  readonly writes: boolean;
  run(args: ToolCall["args"], attempt: Attempt): Promise<unknown>;
}

const TOOLS: Readonly<Record<string, Tool>> = {
  "read-calendar": { writes: false, run: async () => ["Tuesday 10:00"] },
  "send-mail": {
    writes: true,
    run: async ({ to }, attempt) => {
      console.log(`a mail goes to ${to}`);
      return { messageId: attempt.keyFor("mail") };
    },
  },
};

/** The same call of the same turn is carried out once; asked again with other arguments it is an error, and not a mail. */
async function callTool({ id, tool, args }: ToolCall): Promise<unknown> {
  const known = TOOLS[tool];
  if (known === undefined) throw new Error(`there is no tool ${tool}`);
  const onLeaseExpiry = known.writes ? "hold" : "reacquire";
  const work = { scope: `tool:${tool}`, key: `${turn} ${id}`, input: args, onLeaseExpiry } as const;
  const { value, replayed } = await holdfast.once(work, (attempt) => known.run(args, attempt));
  console.log(`${tool}: ${replayed ? "replayed" : "done"}`);
  return value;
}

const plan: readonly ToolCall[] = [
  { id: "call_1", tool: "read-calendar", args: { week: 48 } },
  { id: "call_2", tool: "send-mail", args: { to: "ada@example.com", text: "Tuesday at ten?" } },
];

async function runTurn(): Promise<string> {
  const answers: unknown[] = [];
  for (const call of plan) answers.push(await callTool(call));
  return JSON.stringify(answers);
}

const before = await runTurn();
const after = await runTurn(); // The process died before the answers were saved, and the turn is played again.
console.log(before === after ? "the model is told the same" : "the model is told something else");
