/** A record whose result is large: what attacks on windows ask for. */
export const LARGE_KEY = { scope: "hostile", key: "large" } as const;
export const LARGE_RESULT_BYTES = 512 * 1024;
