/** Not through URL, which refuses the forms for sockets, such as postgres://user@/name?host=/run. */
export const DATABASE_URL = /^(postgres(?:ql)?:\/\/)([^/?#]*)([^?#]*)(?:\?([^#]*))?$/;

const HARMLESS: ReadonlySet<string> = new Set(["host", "port", "user", "sslmode"]);

/** Without password, and without parameters that could hold one. */
export function redactUrl(value: string): string {
  const [, scheme, authority = "", path = "", query] = DATABASE_URL.exec(value) ?? [];
  if (scheme === undefined) return "(hidden)";
  const at = authority.lastIndexOf("@");
  const user = at === -1 ? "" : authority.slice(0, at).replace(/:.*$/s, ":***");
  const shown = query
    ?.split("&")
    .map((pair) => (HARMLESS.has(pair.split("=")[0] ?? "") ? pair : pair.replace(/=.*$/s, "=***")));
  return `${scheme}${user}${at === -1 ? "" : "@"}${authority.slice(at + 1)}${path}${shown === undefined ? "" : `?${shown.join("&")}`}`;
}
