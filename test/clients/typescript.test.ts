import { play } from "./support/play.ts";

await play("typescript", "typescript");
