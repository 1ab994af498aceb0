/**
 * The subject alternative names of a certificate that are plain: DNS and URI, of visible ASCII without comma, quotes and
 * backslash. Any others are left out, so that one name can never look like two, or like another.
 *
 * @param text as `X509Certificate.subjectAltName` gives it: "DNS:a, URI:b". There a value that holds a comma or anything
 * else of the kind stands as JSON in quotes (since CVE-2021-44532), so that a comma outside of quotes ends a name.
 */
export function plainNames(text: string): readonly string[] {
  const names: string[] = [];
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const [, entry] = ENTRY.exec(text) ?? [];
    // Not what Node writes: then nothing of it can be trusted.
    if (entry === undefined) return [];
    if (PLAIN.test(entry)) names.push(entry);
  }
  return names;
}

/** One name with the separator behind it; quotes may begin anywhere in it, as in othername:UPN:"x". */
const ENTRY = /((?:[^",]|"(?:[^"\\]|\\.)*")+)(?:, |$)/y;

const PLAIN = /^(?:DNS|URI):[!#-&(-+\--[\]-~]+$/;
