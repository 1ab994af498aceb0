import type { Attack } from "./attack.ts";
import { CONNECTIONS } from "./connections.ts";
import { FLOODS } from "./floods.ts";
import { HEADERS } from "./headers.ts";
import { HTTP } from "./http.ts";
import { MESSAGES_ON_STREAMS } from "./messages-on-streams.ts";
import { RESETS } from "./resets.ts";
import { WINDOWS } from "./windows.ts";

export const ATTACKS: readonly Attack[] = [
  ...RESETS,
  ...HEADERS,
  ...FLOODS,
  ...WINDOWS,
  ...CONNECTIONS,
  ...MESSAGES_ON_STREAMS,
  ...HTTP,
];
