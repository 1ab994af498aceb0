import type { RecordKey } from "../../../src/domain/key.ts";
import type { Policy } from "../../../src/domain/record.ts";
import type { SimulatedServer } from "../server/server.ts";
import type { Process } from "../time.ts";
import type { World } from "../world.ts";
import { createLine, type Line } from "./line.ts";
import { createPhone, type Phone } from "./phone.ts";

/** Who calls, from the start of its process to its end. */
export interface Self {
  readonly world: World;
  readonly process: Process;
  readonly line: Line;
  readonly phone: Phone;
  /** A name for an attempt that nobody has had. */
  freshClaimId(): string;
  sleep(ms: number): Promise<void>;
  /** Some time, longer or shorter as the weather has it. */
  rest(minMs: number, maxMs: number): Promise<void>;
  anyServer(): SimulatedServer;
  anyKey(): RecordKey;
  tell(text: string): void;
}

export interface Person {
  readonly isDone: boolean;
  /** Its process is killed, and another one begins after a while: what it knew is gone. */
  die(): void;
  stall(ms: number): void;
}

export type Life = (self: Self) => Promise<void>;

const REBIRTH_MS_MAX = 2_000;

export function createPerson(world: World, name: string, life: Life): Person {
  const { time, judge, trace } = world;
  let isDone = false;
  let lives = 0;
  let claims = 0;
  let process: Process | null = null;

  const begin = () => {
    lives++;
    const own = time.process(lives === 1 ? name : `${name} (${lives})`);
    process = own;
    const line = createLine(world, own);
    const self: Self = {
      world,
      process: own,
      line,
      phone: createPhone(world, line),
      freshClaimId: () => `${name.replaceAll(" ", "-")}-${++claims}`.padEnd(16, " "),
      sleep: (ms) => own.clock.sleep(ms),
      rest: (minMs, maxMs) => own.clock.sleep(world.weather.pace * time.between(minMs, maxMs)),
      anyServer: () => time.pick(world.servers),
      anyKey: world.anyKey,
      tell: (text) => trace.tell(own.name, text),
    };
    life(self).then(
      () => {
        if (process === own) isDone = true;
      },
      (error: unknown) => judge.accuse(`${name} threw ${error instanceof Error ? error.stack : String(error)}`),
    );
  };

  begin();
  return {
    get isDone() {
      return isDone;
    },
    die() {
      if (isDone || process === null) return;
      trace.tell(process.name, "dies");
      process.kill();
      world.hangUp(process);
      process = null;
      time.after(time.between(0, REBIRTH_MS_MAX), begin);
    },
    stall(ms) {
      if (process === null || isDone) return;
      trace.tell(process.name, `stands still for ${ms.toFixed(0)} ms`);
      process.stall(ms);
    },
  };
}

/** Mostly short retentions, so that results expire and are forgotten within a run. */
export function policyOf({ time }: World, key: RecordKey): Policy {
  const isShort = key.scope === "a" || time.chance(0.3);
  return {
    hold: time.chance(0.3),
    maxAttempts: time.chance(0.2) ? 3 : 0,
    maxExecutionMs: time.chance(0.2) ? 4_000 : null,
    resultRetentionMs: isShort ? time.whole(200, 1_500) : 60_000,
    tombstoneRetentionMs: isShort ? time.whole(0, 1_000) : 60_000,
  };
}
