import { storeContract } from "../../../store/contract.ts";
import { openMemoryStore } from "../../../support/memory-store.ts";
import { openSealed } from "./sealing.ts";

storeContract("the sealed memory", openSealed(openMemoryStore));
