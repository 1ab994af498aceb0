import { openCallers } from "../calls.ts";
import type { Row } from "../row.ts";
import { type Promoted, promote } from "../witness/promotion.ts";
import { slackMs } from "../witness/slack.ts";

/**
 * An asynchronous standby is promoted: what it had not been sent is lost, as docs/guarantees.md says. How much is told,
 * and not judged; that it is more than nothing is, because otherwise the row of the synchronous standby, which looks for
 * losses in the same way, would prove nothing. What the standby had is there, and the service goes on by itself.
 *
 * Lost facts break what the histories are judged by, of whichever record.
 */
export const promoteAsynchronous: Row = {
  id: "F20",
  fault: "an asynchronous standby that lags is promoted",
  stand: { standby: "asynchronous" },
  times: { short: null, full: 10 },
  told: ["porcupine", "V1", "V2", "V3", "V5", "V7"],
  async inject(field) {
    using callers = openCallers(field.recorder, "f20");
    const { figure, say, stand, times } = field;
    const all: Promoted[] = [];
    for (let round = 1; round <= times; round++) {
      const promoted = await promote(field, callers, round);
      all.push(promoted);
      say(
        `promoted ${round} of ${times} times: ${promoted.lost.length} of ${promoted.acknowledged} acknowledgements lost`,
      );
      await stand.followAnew();
    }
    const sum = (of: (promoted: Promoted) => number) => all.reduce((total, one) => total + of(one), 0);
    const most = (of: (promoted: Promoted) => number) => Math.max(...all.map(of));
    figure({ name: "promotions", value: all.length, unit: "", must: { atLeast: times } });
    figure({ name: "acknowledged before", value: sum(({ acknowledged }) => acknowledged), unit: "" });
    figure({ name: "of these lost", value: sum(({ lost }) => lost.length), unit: "", must: { atLeast: 1 } });
    figure({
      ...{ name: "lost though the standby had it", value: sum(({ lostOfWhatItHad }) => lostOfWhatItHad), unit: "" },
      must: { atMost: 0 },
    });
    figure({ name: "lost of the time before the kill", value: most(({ lossMs }) => lossMs), unit: "ms" });
    figure({
      ...{ name: "all servers answer after the promotion", value: most(({ recoveryMs }) => recoveryMs), unit: "ms" },
      must: { atMost: RECOVERY_MS_MAX + slackMs(field) },
    });
  },
};

const RECOVERY_MS_MAX = 5_000;
