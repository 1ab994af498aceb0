/** What is wrong where exactly one of several is to be given: none was, or which were. */
export function oneOf(all: readonly string[], given: readonly string[]): string[] {
  if (given.length === 1) return [];
  const choice = `give one of ${all.join(", ")}`;
  return [
    given.length === 0 ? choice : `${choice}; ${listed(given)} were ${given.length === 2 ? "both" : "all"} given`,
  ];
}

function listed(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
