import type { Fault } from "../../domain/fault.ts";
import type { Store } from "../../store/store.ts";

/** A store that may not be there yet: until `store` gives one, every call fails with the fault, without having taken effect. */
export function createLateStore(store: () => Store | null, absence: () => Fault): Store {
  const absent = createAbsentStore(absence);
  const now = () => store() ?? absent;
  return {
    claim: (call, deadline) => now().claim(call, deadline),
    heartbeat: (call, deadline) => now().heartbeat(call, deadline),
    finish: (call, deadline) => now().finish(call, deadline),
    peek: (key, deadline) => now().peek(key, deadline),
    watch: (call, deadline) => now().watch(call, deadline),
    sweep: (limit, upTo) => now().sweep(limit, upTo),
    list: (query, deadline) => now().list(query, deadline),
    history: (query, deadline) => now().history(query, deadline),
    release: (call, deadline) => now().release(call, deadline),
    resolve: (call, deadline) => now().resolve(call, deadline),
    reset: (call, deadline) => now().reset(call, deadline),
    purge: (call, deadline) => now().purge(call, deadline),
  };
}

function createAbsentStore(absence: () => Fault): Store {
  const refuse = async (): Promise<never> => {
    throw absence();
  };
  return {
    claim: refuse,
    heartbeat: refuse,
    finish: refuse,
    peek: refuse,
    watch: refuse,
    sweep: refuse,
    list: refuse,
    history: refuse,
    release: refuse,
    resolve: refuse,
    reset: refuse,
    purge: refuse,
  };
}
