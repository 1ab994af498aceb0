import { dirname } from "node:path";
import { buildOf } from "../../../test/infra/support/builds.ts";
import { startLibraryUsers } from "../load/library.ts";
import type { Field, Row } from "../row.ts";
import type { StandServer } from "../stand/stand.ts";
import { createSuccessor } from "../successor.ts";

/** The oldest that goes on with a newer schema than its own. It lacks the last migration. */
const FORMER = "ca35b56";

/**
 * A rolling upgrade and its way back, one server at a time: from this build to one with another migration, and, where this
 * checkout has its history, from a former build to this one. In between servers of two builds work on the same records.
 */
export const mixedVersions: Row = {
  id: "F43",
  fault: "servers of two builds at once, in a rolling upgrade and its way back",
  times: { short: null, full: 5 },
  async inject(field) {
    const { stand, recorder, scope, times, figure, say } = field;
    await using former = await buildOf(FORMER);
    if (former === null) say(`F43: without a former build, for ${FORMER} is not in the history of this checkout`);
    await using successor = await createSuccessor();
    const users = startLibraryUsers({ stand, recorder, scope });
    const trees = [...(former === null ? [] : [dirname(dirname(former.main))]), successor.tree];
    let restarts = 0;
    const roll = async (tree: string | null) => {
      for (const server of stand.servers) {
        await restart(field, server, tree);
        restarts++;
      }
    };
    await successor.migrate(stand.primary);
    for (let round = 1; round <= times; round++) {
      for (const tree of trees) {
        await roll(tree);
        await roll(null);
      }
      say(`F43: ${round} of ${times} upgrades and ways back`);
    }
    await users.stop();
    await successor.undo(stand.primary);
    for (const failure of users.failures.slice(0, 3)) say(failure);
    figure({ name: "builds beside this one", value: trees.length, unit: "", must: { atLeast: 1 } });
    figure({
      name: "restarts",
      value: restarts,
      unit: "",
      must: { atLeast: 2 * times * trees.length * stand.servers.length },
    });
    figure({
      name: "pieces of work done through the library",
      value: users.done,
      unit: "",
      must: { atLeast: restarts },
    });
    figure({
      name: "of the library's users, failed",
      value: users.failures.length,
      unit: "calls",
      must: { atMost: 0 },
    });
  },
};

async function restart({ recorder, load }: Field, server: StandServer, tree: string | null): Promise<void> {
  await recorder.during({ mark: "server-down", server: server.address }, async () => {
    await server.stop();
    await server.start({ tree });
    await load.firstSuccessAfter(performance.now(), server.name);
  });
}
