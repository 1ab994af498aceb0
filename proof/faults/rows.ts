import type { Row } from "./row.ts";
import { killServers } from "./rows/f01-kill-servers.ts";
import { restartServers } from "./rows/f02-restart-servers.ts";
import { suspendServer } from "./rows/f03-suspend-server.ts";
import { killBackends } from "./rows/f05-kill-backends.ts";
import { killPostgres } from "./rows/f06-kill-postgres.ts";
import { powerCut } from "./rows/f07-power-cut.ts";
import { terminateSessions } from "./rows/f08-terminate-sessions.ts";
import { slowLinks } from "./rows/f10-slow-links.ts";
import { blackHoledListener } from "./rows/f11-black-holed-listener.ts";
import { resetLinks } from "./rows/f12-reset-links.ts";
import { lostAnswers } from "./rows/f14-lost-answers.ts";
import { fullDataVolume } from "./rows/f15a-full-data-volume.ts";
import { fullLogVolume } from "./rows/f15b-full-log-volume.ts";
import { slowSyncs } from "./rows/f16-slow-syncs.ts";
import { lockedRecords } from "./rows/f17-locked-records.ts";
import { clockSteps } from "./rows/f18-clock-steps.ts";
import { promoteAsynchronous } from "./rows/f20-promote-asynchronous.ts";
import { promoteSynchronous } from "./rows/f21-promote-synchronous.ts";
import { killServersBehindPooler } from "./rows/f23-kill-servers-behind-pooler.ts";
import { restartPooler } from "./rows/f24-restart-pooler.ts";
import { oneKeyAtOnce } from "./rows/f26-one-key-at-once.ts";
import { oneEndForAll } from "./rows/f27-one-end-for-all.ts";
import { overlappingBatches } from "./rows/f29-overlapping-batches.ts";
import { oldTokens } from "./rows/f30-old-tokens.ts";
import { tenantsInOneBatch } from "./rows/f34-tenants-in-one-batch.ts";
import { separators } from "./rows/f35-separators.ts";
import { migrateUnderLoad } from "./rows/f41-migrate-under-load.ts";
import { mixedVersions } from "./rows/f43-mixed-versions.ts";

/** In the order in which they run: those of one kind of stand after each other. */
export const ROWS: readonly Row[] = [
  killServers,
  restartServers,
  suspendServer,
  killBackends,
  killPostgres,
  terminateSessions,
  blackHoledListener,
  resetLinks,
  lostAnswers,
  oneKeyAtOnce,
  oneEndForAll,
  overlappingBatches,
  oldTokens,
  tenantsInOneBatch,
  separators,
  migrateUnderLoad,
  mixedVersions,
  lockedRecords,
  promoteAsynchronous,
  promoteSynchronous,
  killServersBehindPooler,
  restartPooler,
  powerCut,
  slowLinks,
  fullDataVolume,
  fullLogVolume,
  slowSyncs,
  clockSteps,
];
