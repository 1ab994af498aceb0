import { storeContract } from "../../store/contract.ts";
import { openMemoryStore } from "../../support/memory-store.ts";

storeContract("the memory", openMemoryStore);
