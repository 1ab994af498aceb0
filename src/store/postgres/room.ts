/** What takes up room: a call, for its tenant and with its weight. */
export interface Occupant {
  readonly tenant: string;
  readonly bytes: number;
}

export interface RoomLimits {
  readonly callsMax: number;
  readonly bytesMax: number;
}

/**
 * Bounds the calls of a lane from when they come until they are settled, wherever they are meanwhile: they wait, are under
 * way, or were handed over. No tenant has more than half of it, so a flood of one tenant's calls never sheds another's.
 */
export interface Room {
  /** False: there is none. */
  enter(call: Occupant): boolean;
  /** Of each that entered, once. */
  leave(call: Occupant): void;
  /** Resolves when all have left. */
  empty(): Promise<void>;
}

interface Taken {
  calls: number;
  bytes: number;
}

export function createRoom({ callsMax, bytesMax }: RoomLimits): Room {
  const all: Taken = { calls: 0, bytes: 0 };
  /** None is without calls. */
  const tenants = new Map<string, Taken>();
  const onEmpty: (() => void)[] = [];

  const hasRoom = (taken: Taken, { bytes }: Occupant, share: number): boolean =>
    taken.calls + 1 <= callsMax * share && taken.bytes + bytes <= bytesMax * share;

  const count = (taken: Taken, { bytes }: Occupant, sign: 1 | -1) => {
    taken.calls += sign;
    taken.bytes += sign * bytes;
  };

  return {
    enter(call) {
      const known = tenants.get(call.tenant);
      // A tenant's first may be larger than half: it would never be let in.
      if (!hasRoom(all, call, 1) || (known !== undefined && !hasRoom(known, call, 1 / 2))) return false;
      const tenant = known ?? { calls: 0, bytes: 0 };
      if (known === undefined) tenants.set(call.tenant, tenant);
      count(all, call, 1);
      count(tenant, call, 1);
      return true;
    },

    leave(call) {
      const tenant = tenants.get(call.tenant);
      if (tenant === undefined) throw new Error("bug: a call leaves that never entered");
      count(all, call, -1);
      count(tenant, call, -1);
      if (tenant.calls === 0) tenants.delete(call.tenant);
      if (all.calls === 0) for (const resolve of onEmpty.splice(0)) resolve();
    },

    async empty() {
      if (all.calls > 0) await new Promise<void>((resolve) => onEmpty.push(resolve));
    },
  };
}
