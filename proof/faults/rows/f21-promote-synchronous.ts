import { openCallers } from "../calls.ts";
import type { Row } from "../row.ts";
import { type Promoted, promote } from "../witness/promotion.ts";
import { slackMs } from "../witness/slack.ts";
import { spreadOf } from "../witness/spread.ts";

/**
 * The synchronous standby is cut off, the primary is killed a little later, and the standby is promoted. Commits have
 * waited for it, so nothing that was acknowledged is lost: by the histories, and by results that are counted one by one.
 */
export const promoteSynchronous: Row = {
  id: "F21",
  fault: "the primary is killed and its synchronous standby promoted",
  stand: { standby: "synchronous" },
  times: { short: 1, full: 20 },
  unjudged: ["V5"],
  async inject(field) {
    using callers = openCallers(field.recorder, "f21");
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
    const promotion = spreadOf(all.map(({ promotionMs }) => promotionMs));
    const recovery = spreadOf(all.map(({ recoveryMs }) => recoveryMs));
    figure({ name: "promotions", value: all.length, unit: "", must: { atLeast: times } });
    figure({
      name: "acknowledged before",
      value: sum(({ acknowledged }) => acknowledged),
      unit: "",
      must: { atLeast: 1 },
    });
    figure({ name: "acknowledged and lost", value: sum(({ lost }) => lost.length), unit: "", must: { atMost: 0 } });
    figure({ name: "from the kill to the promotion, p95", value: promotion.p95, unit: "ms" });
    figure({
      ...{ name: "unavailable beyond that, p95", value: recovery.p95, unit: "ms" },
      must: { atMost: RECOVERY_P95_MS_MAX + slackMs(field) },
    });
  },
  control: {
    ...{ kind: "stand", what: "an asynchronous standby", stand: { standby: "asynchronous" } },
    fails: /acknowledged and lost/,
  },
};

const RECOVERY_P95_MS_MAX = 2_000;
