import { anonymous } from "../../../src/auth/authenticator.ts";
import { Fault, type FaultCode } from "../../../src/domain/fault.ts";
import type { WaitingCaller } from "../../../src/operations/access.ts";
import type { App } from "../server/incarnation.ts";
import type { SimulatedServer } from "../server/server.ts";
import type { Process } from "../time.ts";
import type { World } from "../world.ts";

/** What a caller learns of a call. */
export type Reply<T> =
  | { readonly kind: "answered"; readonly value: T }
  | { readonly kind: "refused"; readonly code: FaultCode }
  /** Nobody says whether it took effect. */
  | { readonly kind: "lost" };

/** The way between one caller and the servers: what is sent on it takes time, and can be lost in either direction. */
export interface Line {
  readonly caller: Process;
  /** @param patienceMs after so long the caller gives up, and its server is told some time later */
  call<T>(
    server: SimulatedServer,
    what: string,
    patienceMs: number,
    work: (app: App, caller: WaitingCaller) => Promise<T>,
  ): Promise<Reply<T>>;
  /** The same for what is told one after the other: each is handed on when the one before it was taken. */
  stream<T>(
    server: SimulatedServer,
    what: string,
    work: (app: App, caller: WaitingCaller) => AsyncGenerator<T, void>,
    take: (told: T) => Promise<"more" | "enough">,
  ): Promise<Reply<null>>;
}

const PRINCIPAL = await anonymous.authenticate({ metadata: () => undefined, certificate: () => null }, Infinity);
/** From the end of a connection to when the other side knows of it. */
const NOTICE_MS_MAX = 300;

/** What a caller must be prepared for; anything else is a bug. */
const BUGS: ReadonlySet<FaultCode> = new Set(["INTERNAL", "FIELD_INVALID", "ROLE_REQUIRED", "TENANT_NOT_FOUND"]);

export function createLine(world: World, caller: Process): Line {
  const { time, judge, trace } = world;

  const tell = (text: string) => trace.tell(caller.name, text);

  const lookAt = (what: string, error: unknown) => {
    if (error instanceof Fault && !BUGS.has(error.code)) return;
    judge.accuse(`${what} failed: ${error instanceof Error ? error.stack : String(error)}`);
  };

  /** One connection to a server, from the request's arrival on. */
  const open = (server: SimulatedServer, patienceMs: number) => {
    const living = server.current;
    if (living === null) return null;
    const gone = new AbortController();
    const retiring = new AbortController();
    const reached = Promise.withResolvers<boolean>();
    const hangUp = () => {
      reached.resolve(false);
      gone.abort(new Fault("CANCELLED", "the caller has gone"));
    };
    const connection = {
      living,
      reached,
      /** It is over, and the server finds out. */
      breakOff() {
        living.process.after(time.between(0, NOTICE_MS_MAX), hangUp);
      },
      hangUp,
      asCaller: (): WaitingCaller => ({
        principal: PRINCIPAL,
        deadline: living.process.clock.monotonicMs() + patienceMs,
        context: { signal: gone.signal, retiring: retiring.signal, answered: () => reached.promise },
      }),
    };
    if (caller.isAlive) world.onHangUp(caller, connection.breakOff);
    else connection.breakOff();
    if (time.chance(world.faults().retired)) {
      living.process.after(time.between(0, 2_000), () => retiring.abort(new Error("the connection is old")));
    }
    return connection;
  };

  return {
    caller,

    call<T>(
      server: SimulatedServer,
      what: string,
      patienceMs: number,
      work: (app: App, caller: WaitingCaller) => Promise<T>,
    ): Promise<Reply<T>> {
      world.counts.calls++;
      tell(`asks ${server.name}: ${what}`);
      const replied = Promise.withResolvers<Reply<T>>();
      const settle = (reply: Reply<T>) => {
        silence();
        replied.resolve(reply);
      };
      let breakOff: () => void = () => undefined;
      const silence = caller.after(patienceMs, () => {
        breakOff();
        tell(`has waited long enough for ${server.name}`);
        settle({ kind: "lost" });
      });
      if (time.chance(world.faults().requestLost)) {
        tell("the request is lost");
        return replied.promise;
      }
      const arrive = async () => {
        const connection = open(server, patienceMs);
        if (connection === null) return void caller.after(world.latencyMs(), () => settle({ kind: "lost" }));
        const { living, reached } = connection;
        breakOff = connection.breakOff;
        const revive = server.onDeath(living, () => {
          connection.hangUp();
          caller.after(world.latencyMs(), () => settle({ kind: "lost" }));
        });
        const reply = await work(living.app, connection.asCaller()).then(
          (value): Reply<T> => ({ kind: "answered", value }),
          (error: unknown): Reply<T> => {
            lookAt(what, error);
            return { kind: "refused", code: error instanceof Fault ? error.code : "INTERNAL" };
          },
        );
        revive();
        if (!living.process.isAlive) return;
        breakOff = () => undefined;
        if (time.chance(world.faults().answerLost)) {
          tell(`the answer of ${server.name} is lost`);
          connection.breakOff();
          caller.after(time.between(0, NOTICE_MS_MAX), () => settle({ kind: "lost" }));
          return;
        }
        const onWayMs = world.latencyMs();
        caller.after(onWayMs, () => {
          reached.resolve(true);
          settle(reply);
        });
        // Where nobody is any more, the other side finds out that the answer has reached nobody.
        living.process.after(onWayMs + NOTICE_MS_MAX, () => reached.resolve(caller.isAlive));
      };
      time.after(world.latencyMs(), () => void arrive());
      return replied.promise;
    },

    stream<T>(
      server: SimulatedServer,
      what: string,
      work: (app: App, caller: WaitingCaller) => AsyncGenerator<T, void>,
      take: (told: T) => Promise<"more" | "enough">,
    ): Promise<Reply<null>> {
      world.counts.calls++;
      tell(`asks ${server.name}: ${what}`);
      const replied = Promise.withResolvers<Reply<null>>();
      const arrive = async () => {
        const connection = open(server, Number.POSITIVE_INFINITY);
        const lose = () => void caller.after(world.latencyMs(), () => replied.resolve({ kind: "lost" }));
        if (connection === null) return lose();
        const { living } = connection;
        const revive = server.onDeath(living, () => {
          connection.hangUp();
          lose();
        });
        const onWay = (process: Process) => new Promise<void>((resolve) => process.after(world.latencyMs(), resolve));
        const deliver = async (told: T): Promise<"more" | "enough"> => {
          const taken = Promise.withResolvers<"more" | "enough">();
          caller.after(world.latencyMs(), () => void take(told).then(taken.resolve));
          const wish = await taken.promise;
          await onWay(living.process);
          return wish;
        };
        try {
          for await (const told of work(living.app, connection.asCaller())) {
            if (time.chance(world.faults().answerLost / 4)) {
              tell(`the stream of ${server.name} breaks`);
              connection.breakOff();
              return lose();
            }
            if ((await deliver(told)) === "enough") break;
          }
          caller.after(world.latencyMs(), () => replied.resolve({ kind: "answered", value: null }));
        } catch (error) {
          lookAt(what, error);
          const code = error instanceof Fault ? error.code : "INTERNAL";
          caller.after(world.latencyMs(), () => replied.resolve({ kind: "refused", code }));
        } finally {
          revive();
          connection.hangUp();
        }
      };
      time.after(world.latencyMs(), () => void arrive());
      return replied.promise;
    },
  };
}
