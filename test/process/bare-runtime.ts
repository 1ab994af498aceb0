// Runs a bundle where there is nothing of Node's, as in a browser or at the edge, and prints what it comes to. The names
// are hidden from the bundle and not taken away: Node's own fetch is made of them.
import { readFileSync } from "node:fs";

const WEB: ReadonlySet<string> = new Set([
  ...["AbortController", "AbortSignal", "DOMException", "Event", "EventTarget", "Headers", "ReadableStream", "Request"],
  ...["Response", "TextDecoder", "TextEncoder", "URL", "URLSearchParams", "clearTimeout", "console", "crypto", "fetch"],
  ...["performance", "queueMicrotask", "setTimeout"],
]);

/** Of the language, and so everywhere; `eval` is no name that can be given to something else. */
const OF_LANGUAGE = new Set(JSON.parse(process.argv[4] ?? "[]") as string[]).add("eval");

const [, , path = "", address = ""] = process.argv;
const bare: Record<string, unknown> = {};
const names = Object.getOwnPropertyNames(globalThis).filter((name) => !OF_LANGUAGE.has(name));
for (const name of names) if (WEB.has(name)) bare[name] = Reflect.get(globalThis, name);
let isLoaded = false;

/** At the edge nothing may be made, begun or drawn by lot before there is a request. */
function onceLoaded<T extends unknown[], R>(name: string, of: (...args: T) => R): (...args: T) => R {
  return (...args) => {
    if (!isLoaded) throw new Error(`${name} is called while the bundle is loaded`);
    return of(...args);
  };
}

Object.assign(bare, {
  globalThis: bare,
  AbortController: class extends AbortController {
    constructor() {
      onceLoaded("AbortController", () => undefined)();
      super();
    }
  },
  crypto: { randomUUID: onceLoaded("randomUUID", () => crypto.randomUUID()) },
  fetch: onceLoaded("fetch", fetch),
  // Elsewhere a timer is a number.
  setTimeout: onceLoaded("setTimeout", (callback: () => void, ms?: number) => Number(setTimeout(callback, ms))),
  clearTimeout: (timer?: number) => clearTimeout(timer),
});

const hidden = [...new Set([...names, "globalThis", "require", "module", "exports"])];
new Function(...hidden, readFileSync(path, "utf8"))(...hidden.map((name) => bare[name]));
isLoaded = true;
const run = bare["run"] as (address: string) => Promise<unknown>;
process.stdout.write(`${JSON.stringify(await run(address))}\n`);
