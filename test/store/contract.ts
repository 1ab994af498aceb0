import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import type { Instant } from "../../src/domain/instant.ts";
import type { Store } from "../../src/store/store.ts";
import { attempts } from "./contract/attempts.ts";
import { claiming } from "./contract/claiming.ts";
import { emptying } from "./contract/emptying.ts";
import { histories } from "./contract/histories.ts";
import { isolation } from "./contract/isolation.ts";
import { leases } from "./contract/leases.ts";
import { listing } from "./contract/listing.ts";
import { operators } from "./contract/operators.ts";
import { payloads } from "./contract/payloads.ts";
import { purging } from "./contract/purging.ts";
import { reconciling } from "./contract/reconciling.ts";
import { releasing } from "./contract/releasing.ts";
import { resetting } from "./contract/resetting.ts";
import { resolving } from "./contract/resolving.ts";
import { results } from "./contract/results.ts";
import { retention } from "./contract/retention.ts";
import { rounds } from "./contract/rounds.ts";
import { sweeping } from "./contract/sweeping.ts";

/** A store whose clock the test holds. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Only ever told whole milliseconds. */
  setNow(instant: Instant): void;
  /** A whole millisecond. At first a realistic present, for fences are derived from it. */
  now(): Instant;
  close(): Promise<void>;
}

/**
 * What every store must do. One store serves a whole suite, and each test uses keys of its own; only the sweeper's tests,
 * which count, open one each. Time moves on from test to test and, but for one test of the fence, never back.
 *
 * @param open gives an empty store that nothing else writes to
 */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} store`, () => {
    describe("shared", () => {
      let opened: StoreUnderTest | null = null;
      beforeAll(async () => {
        opened = await open();
      });
      afterAll(async () => opened?.close());

      const under = () => required(opened);
      claiming(under);
      payloads(under);
      leases(under);
      results(under);
      attempts(under);
      retention(under);
      reconciling(under);
      operators(under);
      resetting(under);
      releasing(under);
      resolving(under);
      histories(under);
      listing(under);
      purging(under);
      isolation(under);
    });

    describe("opened for each test", () => {
      let opened: StoreUnderTest | null = null;
      beforeEach(async () => {
        opened = await open();
      });
      afterEach(async () => opened?.close());

      sweeping(() => required(opened));
      emptying(() => required(opened));
      rounds(() => required(opened));
    });
  });
}

function required(opened: StoreUnderTest | null): StoreUnderTest {
  if (opened === null) throw new Error("bug: a test ran before its store was open");
  return opened;
}
