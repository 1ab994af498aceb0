import { textOf } from "./text.ts";
import { type Client, clientOf, entryOf, noteOf, recordOf, type Scenario, type World } from "./world.ts";

/** Other names for clients, servers and keys: by the old one, and the old ones in the order of the new. */
export interface Names {
  readonly client: readonly number[];
  readonly server: readonly number[];
  readonly key: readonly number[];
  readonly clientsInOrder: readonly number[];
  readonly serversInOrder: readonly number[];
  readonly keysInOrder: readonly number[];
  note(note: number): number;
}

/**
 * The same for worlds that are alike but for who is who. Of all ways to name clients, servers and keys those are tried
 * that put them in the order of what can be told of each without a name; of their texts the first counts.
 */
export function createSameness({ servers, keys, intents }: Scenario): (world: World) => string {
  const naming = new Map<string, Names>();
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
  const [allServers, allKeys, allClients] = [numbers(servers), numbers(keys), numbers(intents.length)];

  const namesOf = (clientOrder: readonly number[], serverOrder: readonly number[], keyOrder: readonly number[]) => {
    const id = `${clientOrder.join("")}/${serverOrder.join("")}/${keyOrder.join("")}`;
    const known = naming.get(id);
    if (known !== undefined) return known;
    const [client, server, key] = [inverse(clientOrder), inverse(serverOrder), inverse(keyOrder)];
    const notes = new Map(
      allServers.flatMap((s) => allKeys.map((k) => [noteOf(s, k), noteOf(server[s] ?? 0, key[k] ?? 0)])),
    );
    const names: Names = {
      ...{ client, server, key, clientsInOrder: clientOrder, serversInOrder: serverOrder, keysInOrder: keyOrder },
      note: (note) => notes.get(note) ?? note,
    };
    naming.set(id, names);
    return names;
  };

  return (world) => {
    const clientMarks = allClients.map((i) => intents[i] + markOfClient(clientOf(world, i)));
    const keyMarks = allKeys.map((key) => markOfKey(world, key));
    const serverMarks = allServers.map((server) => markOfServer(world, server));
    let least: string | null = null;
    for (const clientOrder of ordersOf(allClients, clientMarks)) {
      for (const serverOrder of ordersOf(allServers, serverMarks)) {
        for (const keyOrder of ordersOf(allKeys, keyMarks)) {
          const text = textOf(world, namesOf(clientOrder, serverOrder, keyOrder));
          if (least === null || text < least) least = text;
        }
      }
    }
    return least ?? "";
  };
}

function inverse(order: readonly number[]): readonly number[] {
  const inverted: number[] = [];
  for (const [to, from] of order.entries()) inverted[from] = to;
  return inverted;
}

function markOfClient({ doing, turn, nonce, lease, end, told }: Client): string {
  return `${doing}${turn}${nonce}${lease?.fence ?? "-"}${end ?? ""}${told}`;
}

function markOfKey(world: World, key: number): string {
  const record = recordOf(world, key);
  const interested = world.clients.filter((client) => client.key === key).length;
  return `${interested}${record === null ? "-" : `${record.state}${record.lease.fence}${record.hasWaiters}`}`;
}

function markOfServer(world: World, server: number): string {
  let [calls, steps, awake] = [0, 0, 0];
  for (const { at, step } of world.calls) {
    if (at !== server) continue;
    calls++;
    steps += STEP_WEIGHTS[step];
  }
  for (const key of world.records.keys()) awake += ENTRY_WEIGHTS[entryOf(world, server, key).at];
  return `${calls} ${steps} ${awake}`;
}

const STEP_WEIGHTS = {
  read: 1,
  insert: 10,
  reclaim: 100,
  take: 1e3,
  commit: 1e4,
  "too-late": 1e5,
  tell: 1e6,
  wait: 1e7,
};
const ENTRY_WEIGHTS = { off: 0, peek: 1, hear: 10, claim: 100, watch: 1e3, rest: 1e4 };

/** All orders in which the marks do not descend. */
function ordersOf(all: readonly number[], marks: readonly string[]): readonly (readonly number[])[] {
  const sorted = all.toSorted((a, b) => ((marks[a] ?? "") < (marks[b] ?? "") ? -1 : marks[a] === marks[b] ? a - b : 1));
  let orders: (readonly number[])[] = [[]];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && marks[sorted[to] ?? 0] === marks[sorted[from] ?? 0]) to++;
    const tied = permutations(sorted.slice(from, to));
    orders =
      tied.length === 1
        ? orders.map((order) => [...order, ...(tied[0] ?? [])])
        : orders.flatMap((order) => tied.map((tail) => [...order, ...tail]));
    from = to;
  }
  return orders;
}

function permutations(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
