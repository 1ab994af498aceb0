import type { Stage } from "../stage.ts";

/** Something that every client does. */
export interface Scenario {
  /** A sentence that "a client" begins. */
  readonly name: string;
  /** Throws when the client does something else. */
  readonly play: (stage: Stage) => Promise<void>;
}
