import type { ChaosPlan, Shot } from "./chaos.ts";
import type { Delivery } from "./delivery-log.ts";
import { leaseExpiryOf } from "./lease-expiry.ts";
import type { Order, Stage } from "./messages.ts";

/** Decides for each delivery that goes out whether its worker shall stop on the way, to be killed there, and when. */
export interface Aim {
  /** Not for this worker: it is aimed at for the same event, and it is others who shall wait for it. */
  spares(worker: number, delivery: Delivery): boolean;
  orderFor(worker: number, delivery: Delivery): Order;
  /** The worker with this delivery stands still. */
  stopped(line: number): void;
  /** The worker with this delivery is about to claim its event. */
  claiming(line: number): void;
  /** Whoever is to be killed now. */
  ripe(): Target | null;
  /** The delivery is over, or its worker was hit. If it is over without a hit, the next new event is aimed at. */
  over(line: number, hit: boolean): void;
}

export interface Target {
  readonly worker: number;
  readonly line: number;
  readonly stage: Stage;
  /** Not before another worker waits for the same event: it is the one that shall be promoted. */
  readonly isAwaited: boolean;
}

export interface AimDeps {
  readonly aimed: ChaosPlan["aimed"];
  /** The same payload comes under the same id once more. */
  readonly comesAgain: (delivery: Delivery) => boolean;
}

/**
 * Aims at the first delivery of an event: nobody can have done its work yet, but a second copy of it may be faster at
 * another worker, and then the shot is taken at the next event. One shot at a time: of two that met in one worker, one
 * would be wasted. A shot for which the log has no event stands in nobody's way.
 */
export function createAim({ aimed, comesAgain }: AimDeps): Aim {
  const seen = new Set<string>();
  const waiting = new Set<number>();
  const left = new Set(aimed);
  let target: (Target & { readonly id: string; readonly shot: Shot }) | null = null;
  let hasStopped = false;

  const suits = (shot: Shot, delivery: Delivery) =>
    seen.size >= shot.event &&
    shot.onLeaseExpiry === leaseExpiryOf(delivery.id) &&
    (!isAwaited(shot) || comesAgain(delivery));

  return {
    spares: (worker, { id }) => target?.isAwaited === true && target.id === id && target.worker === worker,
    orderFor(worker, delivery) {
      const { id, line } = delivery;
      if (target?.id === id) return { delivery, stopAt: null, announce: target.isAwaited };
      const isFree = target === null && !seen.has(id);
      const shot = isFree ? [...left].find((each) => suits(each, delivery)) : undefined;
      seen.add(id);
      if (shot === undefined) return { delivery, stopAt: null, announce: false };
      target = { id, shot, worker, line, stage: shot.stage, isAwaited: isAwaited(shot) };
      hasStopped = false;
      waiting.clear();
      return { delivery, stopAt: shot.stage, announce: false };
    },
    stopped(line) {
      if (line === target?.line) hasStopped = true;
    },
    claiming: (line) => void waiting.add(line),
    ripe: () => (target !== null && hasStopped && (!target.isAwaited || waiting.size > 0) ? target : null),
    over(line, hit) {
      waiting.delete(line);
      if (line !== target?.line) return;
      if (hit) left.delete(target.shot);
      target = null;
    },
  };
}

/** Under "hold" nobody is promoted. */
function isAwaited({ onLeaseExpiry }: Shot): boolean {
  return onLeaseExpiry === "reacquire";
}
