import { storeContract } from "../../store/contract.ts";
import { openPostgresStore } from "./open-store.ts";

storeContract("Postgres", openPostgresStore);
