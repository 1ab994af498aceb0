import { randomBytes } from "node:crypto";

/** Texts that are planted in what a server is given, and looked for in everything that comes out of it. */
export interface CanaryHunt<Name extends string, Place extends string> {
  readonly texts: Readonly<Record<Name, string>>;
  /** What one is, where that is known only later. */
  learn(name: Name, text: string): void;
  /** Something came out there. */
  hear(place: Place, ...said: readonly (string | Uint8Array)[]): void;
  /** Where each was seen, in whatever spelling. */
  sightings(): Readonly<Record<Name, readonly Place[]>>;
}

/** @param given texts that must have another form than a word */
export function createCanaryHunt<Name extends string, Place extends string>(
  names: readonly Name[],
  given: Partial<Record<Name, string>>,
): CanaryHunt<Name, Place> {
  const texts = Object.fromEntries(
    names.map((name) => [name, given[name] ?? `c4n4ry-${randomBytes(8).toString("hex")}`]),
  ) as Record<Name, string>;
  const heard = new Map<Place, string[]>();
  return {
    texts,
    learn(name, text) {
      if (text === "") throw new Error("an empty text is everywhere");
      texts[name] = text;
    },
    hear(place, ...said) {
      const all = heard.get(place) ?? [];
      heard.set(place, all);
      for (const each of said) all.push(typeof each === "string" ? each : Buffer.from(each).toString("latin1"));
    },
    sightings() {
      const isIn = (name: Name) => (place: Place) =>
        spellings(texts[name]).some((spelling) => (heard.get(place) ?? []).some((said) => said.includes(spelling)));
      const places = [...heard.keys()].sort();
      const seen = names.map((name) => [name, places.filter(isIn(name))]);
      return Object.fromEntries(seen) as Record<Name, readonly Place[]>;
    },
  };
}

/** As it is, in a URL, as bytes that Postgres prints, and within base64, wherever in it. */
function spellings(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and the last characters depend on what stands beside it.
    return shifted.slice(before === 0 ? 0 : 4, -1);
  });
  const all = [text, encodeURIComponent(text), bytes.toString("hex"), ...base64];
  return [...all, ...base64.map((each) => each.replaceAll("+", "-").replaceAll("/", "_"))];
}
