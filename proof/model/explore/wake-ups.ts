import { entryOf, noteOf, type Rules, type World, withEntry } from "./world.ts";

/** The hub of this server hears that the record has changed. Whoever is not in its map hears nothing. */
export function ringAt(world: World, { mutant }: Pick<Rules, "mutant">, server: number, key: number): World {
  const entry = entryOf(world, server, key);
  const isInMap = entry.at !== "off" && (mutant !== "M5" || entry.at === "rest");
  return isInMap && !entry.rung ? withEntry(world, server, key, { ...entry, rung: true }) : world;
}

/** NOTIFY: to every server, this one included. */
export function notifyAll(world: World, key: number): World {
  const fresh = world.entries.map((_, server) => noteOf(server, key)).filter((note) => !world.notes.includes(note));
  return fresh.length === 0 ? world : { ...world, notes: [...world.notes, ...fresh] };
}
