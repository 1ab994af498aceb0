import { createPostgresApiKeys } from "../../../src/auth/postgres/api-keys.ts";
import { systemClock } from "../../../src/clock.ts";
import { openSession } from "../../../src/store/postgres/connection.ts";
import { apiKeyTableContract } from "../../support/api-key-table-contract.ts";
import { createTestDatabase } from "../../support/database.ts";

apiKeyTableContract("Postgres", async () => {
  const database = await createTestDatabase();
  const session = await openSession({ url: database.url, clock: systemClock });
  await session.query({ name: "", text: "insert into holdfast.tenant (id) values ('acme'), ('other'), ('full')" }, []);
  return {
    table: createPostgresApiKeys({ run: (work) => work(session), change: (work) => work(session), clock: systemClock }),
    async close() {
      await session.close();
      await database.drop();
    },
  };
});
