// Takes the place of npm: prints the answer that is named for each question, and ends with 1, as npm does for most of them.
// What lies aside may have an answer of its own.
import { readFileSync } from "node:fs";

const question = process.argv.includes("--omit=dev") ? "ANSWER_SHIPPED" : "ANSWER_EVERYTHING";
const isAside = /(bench.peers|proof.stryker)$/.test(process.cwd());
const name = (isAside ? process.env["ANSWER_ASIDE"] : undefined) ?? process.env[question];
process.stdout.write(readFileSync(new URL(`${name}.json`, import.meta.url)));
process.exitCode = 1;
