import { completionAgainstReclaim } from "./completion-reclaim.ts";
import { lostWakeUp } from "./lost-wake-up.ts";
import { promotionAgainstCancellation } from "./promotion-cancellation.ts";
import type { Race } from "./race.ts";
import { reattachAgainstTakeover } from "./reattach-takeover.ts";
import { suspectAgainstReconciler } from "./suspect-reconciler.ts";
import { waitAgainstComplete } from "./wait-complete.ts";

export const RACES: readonly Race[] = [
  completionAgainstReclaim,
  waitAgainstComplete,
  suspectAgainstReconciler,
  reattachAgainstTakeover,
  promotionAgainstCancellation,
  lostWakeUp,
];
