/** Longer prefixes are not registered. In bytes of UTF-8. */
export const PATH_BYTES_MAX = 512;
/** Deeper prefixes are not registered, and what lies deeper in a path is not looked at. */
export const PATH_SEGMENTS_MAX = 50;

/**
 * The one spelling under which a path prefix is registered and a path is looked up: without query, fragment and slashes
 * at its end, with one at its beginning; empty for the root. Nothing is decoded and no dots are resolved: paths are
 * compared byte by byte, as they stand in a request. Never throws, and leaves its own results alone.
 */
export function normalisePath(path: string): string {
  const end = path.search(/[?#]/);
  let length = end === -1 ? path.length : end;
  while (length > 0 && path[length - 1] === "/") length--;
  const cut = path.slice(0, length);
  return cut === "" || cut.startsWith("/") ? cut : `/${cut}`;
}

/** Whether a normalised path can be registered as a prefix. */
export function isPathPrefix(path: string): boolean {
  if (path !== normalisePath(path) || path.includes("\0")) return false;
  return Buffer.byteLength(path) <= PATH_BYTES_MAX && path.split("/").length - 1 <= PATH_SEGMENTS_MAX;
}

/** Every prefix of a normalised path that ends on a boundary and can be registered: the longest first, the empty one last. */
export function pathPrefixes(path: string): readonly string[] {
  const prefixes: string[] = [];
  for (let end = 0, segments = 0; end !== -1 && segments <= PATH_SEGMENTS_MAX; segments++) {
    if (end > PATH_BYTES_MAX) break;
    const prefix = path.slice(0, end);
    if (!prefix.endsWith("/")) prefixes.unshift(prefix);
    if (end === path.length) break;
    const next = path.indexOf("/", end + 1);
    end = next === -1 ? path.length : next;
  }
  return prefixes;
}
