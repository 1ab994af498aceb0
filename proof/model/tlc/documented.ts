import type { Size } from "../scenarios.ts";

/**
 * How many distinct states TLC must find in each configuration: another number is another model. On one core it always
 * finds the same ones, and the jar is always the same.
 */
export const TLC_STATES: Readonly<Record<Size, Readonly<Record<string, number>>>> = {
  small: {
    ...{ claims: 8309, retries: 18_559, waits: 6867, unknown: 17_112, forgets: 1081, answered: 885, backstop: 9521 },
  },
  full: {
    ...{ claims: 83_705, retries: 463_301, crashes: 254_390, waits: 72_194, takeovers: 97_371, ghosts: 169_379 },
    ...{ unknown: 304_997, forgets: 37_679, answered: 33_359, backstop: 83_209 },
  },
};
