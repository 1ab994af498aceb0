import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const DOCS = new URL("docs/", ROOT);

/** A part of docs/benchmarks.md, from where its links lead. */
const PART = "benchmarks/limits.md";

const PAGES = readdirSync(DOCS, { recursive: true, encoding: "utf8" })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".md") && path !== PART)
  .sort();

const text = (page: URL) => readFileSync(page, "utf8").replace(/```[\s\S]*?```/g, "");

test.each(PAGES)("every page and every section that docs/%s links to is there", (path) => {
  const page = new URL(path, DOCS);
  const links = [...text(page).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, link]) => link ?? "");
  expect(links.filter((link) => !isThere(page, link))).toEqual([]);
});

function isThere(page: URL, link: string): boolean {
  const target = new URL(link, page);
  const section = target.hash.slice(1);
  target.hash = "";
  if (!existsSync(target)) return false;
  if (section === "" || !target.pathname.endsWith(".md")) return true;
  return anchorsOf(text(target)).includes(decodeURIComponent(section));
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading ?? "");
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
