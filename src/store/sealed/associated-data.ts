/** One run of bytes for a list of texts. The lengths make it injective: no border between two texts can move. */
export function lengthPrefixed(...texts: readonly string[]): Buffer {
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + LENGTH_BYTES + Buffer.byteLength(text), 0));
  let at = 0;
  for (const text of texts) {
    const written = bytes.write(text, at + LENGTH_BYTES, "utf8");
    bytes.writeUInt32BE(written, at);
    at += LENGTH_BYTES + written;
  }
  return bytes;
}

const LENGTH_BYTES = 4;
