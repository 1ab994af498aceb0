import { createMemoryApiKeyTable } from "../../support/api-key-table.ts";
import { apiKeyTableContract } from "../../support/api-key-table-contract.ts";
import { NOW } from "../../support/records.ts";

apiKeyTableContract("a map", async () => ({
  table: createMemoryApiKeyTable(() => NOW, ["acme", "other", "full"]),
  async close() {},
}));
