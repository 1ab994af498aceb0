import { metricOf } from "../crowd.ts";
import type { Field, Row } from "../row.ts";
import { batchesAbove, makeWaves } from "../waves.ts";

const TENANTS = Array.from({ length: 20 }, (_, i) => `tenant-${10 + i}`);
const MAKERS = 6;
const WAVE = 256;
/** Of each tenant, and of the same names for all of them: nothing but the tenant tells their rows apart. */
const KEYS = 60;
const PICKS_EACH = 12;
/** A million in the full form: what is recorded of them has to be kept and checked. */
const ROUND_CALLS = 20_000;
/** Of a batch some calls are given up by their callers, and what was asked for is sorted, filtered and asked again. */
const CUT_SHARE = 0.05;
const LARGE = 32;

/**
 * Twenty tenants call for the same scopes and keys at the same instants, so that their calls share batches; whatever is
 * stored names its tenant. No answer may name another one.
 */
export const tenantsInOneBatch: Row = {
  id: "F34",
  fault: "calls of twenty tenants for the same keys in the same batches",
  stand: { tenants: TENANTS },
  // Whoever waits for long would wait for the processor here, and not for an end.
  load: { callers: 6, waitShare: 0 },
  unjudged: ["V5"],
  times: { short: null, full: 50 },
  control: { kind: "mutant", mutant: "M12-blind", fails: /porcupine: VIOLATION|V[1-7]: \d+ of/ },
  async inject(field) {
    const { stand, recorder, times, figure, say } = field;
    const measure = async () => ({
      lines: recorder.lines,
      large: await batchesAbove(LARGE, stand.servers),
      internal: await metricOf(stand.servers, "grpc_server_handled_total", { grpc_code: "Internal" }),
    });
    const before = await measure();
    let round = 0;
    const isOver = () => {
      const now = Math.floor((recorder.lines - before.lines) / ROUND_CALLS);
      if (now > round) say(`F34: ${now} of ${times} times ${ROUND_CALLS} calls`);
      round = Math.max(now, round);
      return round >= times;
    };
    const waves = {
      makers: MAKERS,
      size: WAVE,
      tenants: TENANTS,
      keys: KEYS,
      picksEach: PICKS_EACH,
      cutShare: CUT_SHARE,
    };
    await makeWaves(field, "f34", { ...waves, isOver });
    const after = await measure();
    figure({ name: "calls", value: after.lines - before.lines, unit: "calls", must: { atLeast: times * ROUND_CALLS } });
    figure({
      name: `batches of more than ${LARGE} rows`,
      value: after.large - before.large,
      unit: "batches",
      must: { atLeast: 20 },
    });
    figure({ name: "answers that were another call's", value: mixUps(field), unit: "", must: { atMost: 0 } });
    figure({
      name: "calls answered INTERNAL",
      value: after.internal - before.internal,
      unit: "calls",
      must: { atMost: 0 },
    });
  },
};

/** What the servers' own check has found: they compare each row with the call that it answers. */
function mixUps({ stand }: Field): number {
  const lines = stand.servers.flatMap(({ process }) => process.lines);
  return lines.filter((line) => JSON.stringify(line).includes("a row of a batch is another call's")).length;
}
