import { play } from "./support/play.ts";

await play("go", "python");
