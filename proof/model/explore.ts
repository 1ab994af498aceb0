import { clientSteps } from "./explore/client-steps.ts";
import { events } from "./explore/events.ts";
import { hubSteps } from "./explore/hub-steps.ts";
import { brokenBy, type PromiseName } from "./explore/promises.ts";
import { callSteps } from "./explore/statements.ts";
import { createSameness } from "./explore/symmetry.ts";
import { createWorld, type Rules, type Scenario, type Step, type World } from "./explore/world.ts";
import type { MutantName } from "./mutants.ts";

export interface Explored {
  /** Different ones, the first included. */
  readonly states: number;
  /** Steps taken, also to states that were known. */
  readonly steps: number;
  /** Of the longest of the shortest ways to a state. */
  readonly depth: number;
  /** What clients were told, of all that can be: what is not reached proves nothing. */
  readonly answers: readonly string[];
  /** Null: every promise is kept in every state and by every step. */
  readonly violation: Violation | null;
  /** False: it was stopped before all was seen. */
  readonly isWhole: boolean;
}

export interface Violation {
  readonly promise: PromiseName;
  /** One of the shortest ways there, in words. */
  readonly trace: readonly string[];
}

/**
 * Every order of events of a scenario, breadth first, so that the first violation has a shortest way to it. What becomes
 * of a record is decided by the reducer of src/domain/reducer/ itself.
 */
export function explore(scenario: Scenario, mutant: MutantName | null, statesMax = Number.POSITIVE_INFINITY): Explored {
  const rules: Rules = { scenario, mutant };
  const first = createWorld(scenario);
  const samenessOf = createSameness(scenario);
  const known = new Set([samenessOf(first)]);
  /** By state: the one before it, and which of its steps it was. */
  const parents: number[] = [-1];
  const ordinals: number[] = [-1];
  let frontier: { readonly world: World; readonly state: number }[] = [{ world: first, state: 0 }];
  const answers = new Set<string>();
  let steps = 0;
  let depth = 0;

  const found = (violation: Violation | null, isWhole: boolean): Explored => ({
    ...{ states: known.size, steps, depth, answers: [...answers].sort(), violation, isWhole },
  });

  while (frontier.length > 0) {
    const nextFrontier: typeof frontier = [];
    for (const { world, state } of frontier) {
      for (const [ordinal, { next }] of stepsFrom(world, rules).entries()) {
        steps++;
        const promise = brokenBy(world, next, rules);
        if (promise !== null) {
          const ordinalsThere = [...ordinalsTo(state, parents, ordinals), ordinal];
          return found({ promise, trace: replay(first, rules, ordinalsThere) }, false);
        }
        const text = samenessOf(next);
        if (known.has(text)) continue;
        if (next.clients !== world.clients) for (const { told } of next.clients) if (told !== "") answers.add(told);
        if (known.size >= statesMax) return found(null, false);
        nextFrontier.push({ world: next, state: known.size });
        known.add(text);
        parents.push(state);
        ordinals.push(ordinal);
      }
    }
    if (nextFrontier.length > 0) depth++;
    frontier = nextFrontier;
  }
  return found(null, true);
}

function stepsFrom(world: World, rules: Rules): readonly Step[] {
  return [...clientSteps(world, rules), ...callSteps(world, rules), ...hubSteps(world, rules), ...events(world, rules)];
}

function ordinalsTo(state: number, parents: readonly number[], ordinals: readonly number[]): number[] {
  const way: number[] = [];
  for (let at = state; at > 0; at = parents[at] ?? 0) way.push(ordinals[at] ?? 0);
  return way.reverse();
}

function replay(first: World, rules: Rules, way: readonly number[]): string[] {
  const trace: string[] = [];
  let world = first;
  for (const ordinal of way) {
    const step = stepsFrom(world, rules)[ordinal];
    if (step === undefined) throw new Error("bug: a step that was taken is not there");
    trace.push(step.words.filter((word) => word !== "").join(" "));
    world = step.next;
  }
  return trace;
}
