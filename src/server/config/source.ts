import { bothNames, environmentName } from "./option.ts";

/** Where the value of a setting comes from. */
export type Source =
  | { readonly kind: "flag" }
  | { readonly kind: "environment" }
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "default" };

/** For `holdfast config print`. */
export function sourceText(source: Source): string {
  return source.kind === "file" ? `${source.path}:${source.line}` : source.kind;
}

/** `file holdfast.yaml line 7` */
export function placeText({ path, line }: { readonly path: string; readonly line: number }): string {
  return `file ${path} line ${line}`;
}

/** The setting as it was called where it was given, for messages; a default by both its names. */
export function givenName(option: { readonly name: string }, source: Source): string {
  switch (source.kind) {
    case "flag":
      return `--${option.name}`;
    case "environment":
      return environmentName(option.name);
    case "file":
      return `${option.name} (${placeText(source)})`;
    case "default":
      return bothNames(option);
  }
}
