/** What h2spec says of one server. */
export interface Verdict {
  readonly tests: number;
  readonly skipped: number;
  /** Section and name of each that failed. */
  readonly failed: readonly string[];
}

/** A test of its report. */
const CASE = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs;
/** h2spec 2.2.1 has 145. It writes a report also where it has run none of them. */
export const TESTS_MIN = 140;

/** @throws unless nearly all tests have been run: of a report without tests none fails, and nothing is shown by it */
export function readVerdict(xml: string, server: string): Verdict {
  const cases = [...xml.matchAll(CASE)];
  const isSkipped = ([, , , inside = ""]: RegExpExecArray) => inside.includes("<skipped");
  const failed = cases.filter(([, , , inside = ""]) => /<(failure|error)/.test(inside));
  const skipped = cases.filter(isSkipped).length;
  const run = cases.length - skipped;
  if (run < TESTS_MIN) throw new Error(`it ran ${run} tests against ${server}, and at least ${TESTS_MIN} must be`);
  return { tests: cases.length, skipped, failed: failed.map(([, section, name]) => `${section}: ${name}`) };
}
