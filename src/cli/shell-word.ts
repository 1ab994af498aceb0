/**
 * A text as a shell takes it: what is printed can be copied. Plain texts are written as they are, others in quotes, and
 * those that would do something to a terminal in the form $'…' of bash, zsh and ksh, byte by byte.
 */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(text)) return text;
  if (!HARMFUL.test(text) && text.isWellFormed()) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = [...text.toWellFormed()].map((point) => {
    if (point === "'" || point === "\\") return `\\${point}`;
    return HARMFUL.test(point) ? bytesOf(point) : point;
  });
  return `$'${escaped.join("")}'`;
}

const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** In octal, of which a shell takes three digits and no more; a hexadecimal one would swallow a digit behind it. */
function bytesOf(point: string): string {
  return [...Buffer.from(point)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
