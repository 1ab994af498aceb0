import type { World } from "../world.ts";
import { crowd, operator, reader, reconciler } from "./bystanders.ts";
import { onlooker } from "./onlooker.ts";
import { createPerson, type Life, type Person } from "./person.ts";
import { worker } from "./worker.ts";

/** Everybody who is there while things go wrong. */
export function peopleOf(world: World): readonly Person[] {
  const { workers, onlookers, readers, reconcilers, operators, crowds } = world.weather.people;
  const some = (count: number, name: string, life: Life) =>
    Array.from({ length: count }, (_, i) => createPerson(world, `${name} ${i + 1}`, life));
  return [
    ...some(workers, "worker", worker),
    ...some(onlookers, "onlooker", onlooker),
    ...some(readers, "reader", reader),
    ...some(reconcilers, "reconciler", reconciler),
    ...some(operators, "operator", operator),
    ...some(crowds, "crowd", crowd),
  ];
}
