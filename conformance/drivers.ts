import type { DriverCommand } from "./driver.ts";
import { prepareGo } from "./drivers/go.ts";
import { preparePython } from "./drivers/python.ts";

/** How a driver is started, or why there is none. */
export type Prepared =
  | { readonly command: DriverCommand; readonly leftOut?: undefined }
  /** "left out: there is no Go" */
  | { readonly command?: undefined; readonly leftOut: string };

export type Language = "typescript" | "python" | "go";

export const LANGUAGES: readonly Language[] = ["typescript", "python", "go"];

/** Makes what a driver needs, below node_modules/.cache, unless it is made; the first time takes a while. */
export function prepareDriver(language: Language): Promise<Prepared> {
  return PREPARE[language]();
}

const typescript: DriverCommand = {
  name: "typescript",
  command: process.execPath,
  args: [new URL("drivers/typescript.ts", import.meta.url).pathname],
};

const PREPARE: Readonly<Record<Language, () => Promise<Prepared>>> = {
  typescript: async () => ({ command: typescript }),
  python: preparePython,
  go: prepareGo,
};
