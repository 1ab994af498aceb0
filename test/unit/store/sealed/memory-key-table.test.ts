import { keyTableContract } from "./key-table-contract.ts";
import { createMemoryKeyTable } from "./memory-key-table.ts";

const table = createMemoryKeyTable();
keyTableContract("the memory", () => table);
