import { ACROSS } from "../../conformance/scenarios/across.ts";
import { KEYS } from "../../conformance/scenarios/keys.ts";
import { play } from "./support/play.ts";

await play("python", "go", [...ACROSS, ...KEYS]);
