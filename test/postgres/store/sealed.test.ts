import { storeContract } from "../../store/contract.ts";
import { openSealed } from "../../unit/store/sealed/sealing.ts";
import { openPostgresStore } from "./open-store.ts";

storeContract("the sealed Postgres", openSealed(openPostgresStore));
