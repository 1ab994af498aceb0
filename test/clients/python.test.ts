import { play } from "./support/play.ts";

await play("python", "typescript");
