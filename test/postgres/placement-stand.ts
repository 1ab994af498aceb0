import { systemClock } from "../../src/clock.ts";
import type { RecordKey } from "../../src/domain/key.ts";
import type { Proof } from "../../src/domain/record.ts";
import { readConfig } from "../../src/server/config/read.ts";
import { openPlacements, type Placement, type Placements, type PlacementsDeps } from "../../src/server/placement.ts";
import { createReadiness, type Readiness } from "../../src/server/readiness.ts";
import { type StoreObserver, silentObserver } from "../../src/store/observer.ts";
import type { Store, Swept } from "../../src/store/store.ts";
import type { LogFields } from "../../src/telemetry/log.ts";
import { noTracing } from "../../src/telemetry/tracing.ts";
import { silentWaitingObserver, type WakePath } from "../../src/waiting/observer.ts";
import { claimIdOf, claimOf, finishOf, freshToken } from "../support/records.ts";

/** The placements of one server, with what they say. */
export interface PlacementStand extends AsyncDisposable {
  readonly placements: Placements;
  /** Throws when there is none of this name. */
  of(name: string): Placement;
  readonly readiness: Readiness;
  readonly lines: readonly LogLine[];
  /** What made the ends of records known to those who wait. */
  readonly wakes: readonly WakePath[];
  /** Records that the sweepers have deleted. */
  readonly forgotten: number;
}

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

export interface StandOptions {
  readonly main: string;
  readonly others?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly decorate?: NonNullable<PlacementsDeps["decorate"]>;
}

export const NEVER = Number.POSITIVE_INFINITY;

export async function openStand({ main, others = {}, args = [], decorate }: StandOptions): Promise<PlacementStand> {
  const placed = Object.entries(others).map(([name, url]) => `${name}=${url}`);
  const read = readConfig(
    "serve",
    [
      ...["--database-url", main, "--allow-unsafe-database"],
      ...(placed.length === 0 ? [] : ["--placements", placed.join(" ")]),
      ...args,
    ],
    {},
  );
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  const readiness = createReadiness();
  const lines: LogLine[] = [];
  const wakes: WakePath[] = [];
  const swept: Swept[] = [];
  const logged = (level: LogLine["level"]) => (fields: LogFields, message: string) => {
    lines.push({ level, message, fields });
  };
  const observer: StoreObserver = { ...silentObserver, swept: (one) => swept.push(one) };
  const placements = await openPlacements(read.config, {
    ...{ clock: systemClock, random: Math.random, newToken: freshToken, observer, readiness, tracing: noTracing },
    log: {
      debug() {},
      info: logged("info"),
      warn: logged("warn"),
      error: logged("error"),
      isLevelEnabled: () => false,
    },
    waiting: { ...silentWaitingObserver, woke: (path) => wakes.push(path) },
    ...(decorate && { decorate }),
  });
  return {
    ...{ placements, readiness, lines, wakes },
    of(name) {
      const placement = placements.of(name);
      if (placement === null) throw new Error(`no placement ${name}`);
      return placement;
    },
    get forgotten() {
      return swept.reduce((sum, { forgotten }) => sum + forgotten, 0);
    },
    [Symbol.asyncDispose]: () => placements[Symbol.asyncDispose](),
  };
}

/** Looks again and again; what is waited for happens in another process. The test's own limit bounds it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5);
}

export async function untilUp({ readiness }: PlacementStand, name: string): Promise<void> {
  await until(() => readiness.report().placements[name] === "up");
}

let keys = 0;
export function newKey(): RecordKey {
  return { tenant: "default", scope: "placed", key: `key-${++keys}` };
}

/** Claims as a stranger. */
export async function hold(store: Store, key: RecordKey, policy = claimOf().policy): Promise<Proof> {
  const answer = await store.claim(claimOf({ key, policy, claimId: claimIdOf("holder"), token: freshToken() }), NEVER);
  if (answer.kind !== "acquired") throw new Error(`bug: the claim was answered ${answer.kind}`);
  return answer.record.lease;
}

export async function complete(store: Store, key: RecordKey, proof: Proof): Promise<void> {
  const answer = await store.finish(finishOf({ key, proof }), NEVER);
  if (answer.kind !== "ended") throw new Error(`bug: the end was answered ${answer.kind}`);
}

/** The messages about one placement, in order. */
export function messagesOf({ lines }: PlacementStand, name: string): readonly string[] {
  return lines.filter(({ fields }) => fields["placement"] === name).map(({ message }) => message);
}

/** The text of the errors that were logged about one placement. */
export function troublesOf({ lines }: PlacementStand, name: string): readonly string[] {
  return lines
    .filter(({ fields, level }) => level === "error" && fields["placement"] === name)
    .map(({ fields }) => String((fields["error"] as Error).message));
}
