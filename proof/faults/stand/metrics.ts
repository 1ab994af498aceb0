/** One line of a page of metrics. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function samplesOf(page: string): readonly Sample[] {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const at = line.lastIndexOf(" ");
    const [, name = "", list = ""] = /^([^{]+)(?:\{(.*)\})?$/.exec(line.slice(0, at)) ?? [];
    const pairs = list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
    return {
      ...{ name, value: Number(line.slice(at + 1)) },
      labels: Object.fromEntries(Array.from(pairs, ([, label = "", value = ""]) => [label, value])),
    };
  });
}

/** Of all of this name that have at least these labels; 0 without any. */
export function sumOf(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
