export type JsonSchema = Readonly<Record<string, unknown>>;

/** How a setting may stand in a configuration file. What is read of it is the text that a flag would have. */
export interface FileForm {
  /** What is allowed, to go after "must be", where that is not what a flag may have. */
  readonly allowed?: string;
  /** Never refuses what is read; it may allow what is not, where JSON schema has no words for that. */
  readonly schema: JsonSchema;
  /** The text of what stands there; undefined when that is of the wrong type. */
  textOf(value: unknown): string | undefined;
  /** The inverse of `textOf`, of a default. */
  jsonOf(text: string): unknown;
}

export function textForm(pattern?: RegExp): FileForm {
  return {
    schema: { type: "string", minLength: 1, ...(pattern && { pattern: pattern.source }) },
    textOf: (value) => (typeof value === "string" ? value : undefined),
    jsonOf: (text) => text,
  };
}

export const flagForm: FileForm = {
  schema: { type: "boolean" },
  textOf: (value) => (typeof value === "boolean" ? String(value) : undefined),
  jsonOf: (text) => text === "true",
};

export function choiceForm(values: readonly string[]): FileForm {
  return { ...textForm(), schema: { enum: values } };
}

export function countForm(min: number, max: number): FileForm {
  return {
    schema: { type: "integer", minimum: min, maximum: max },
    textOf: (value) => (typeof value === "number" ? String(value) : undefined),
    jsonOf: Number,
  };
}

/** Text, but for 0, which needs no unit and is a number without quotes. */
export function durationForm(pattern: RegExp): FileForm {
  const text = textForm(pattern);
  return {
    schema: { anyOf: [text.schema, { const: 0 }] },
    textOf: (value) => (value === 0 ? "0" : text.textOf(value)),
    jsonOf: (value) => (value === "0" ? 0 : value),
  };
}

export function orWordForm(form: FileForm, word: string): FileForm {
  return {
    ...form,
    schema: { anyOf: [form.schema, { const: word }] },
    textOf: (value) => (value === word ? word : form.textOf(value)),
    jsonOf: (text) => (text === word ? word : form.jsonOf(text)),
  };
}

/** A list, or text as of the flag. */
export function listForm(values: readonly string[]): FileForm {
  const text = textForm();
  return {
    allowed: `a list of one or several of ${values.join(", ")}`,
    schema: {
      anyOf: [
        { type: "array", items: { enum: values }, minItems: 1, uniqueItems: true },
        { type: "string", pattern: `^(${values.join("|")})(,(${values.join("|")}))*$` },
      ],
    },
    textOf(value) {
      if (!Array.isArray(value)) return text.textOf(value);
      // A comma would make two of one.
      return value.every((item) => typeof item === "string" && !item.includes(",")) ? value.join(",") : undefined;
    },
    jsonOf: (value) => value.split(","),
  };
}

/** Addresses by name, or text as of the flag. */
export function namedUrlsForm(name: RegExp, url: RegExp): FileForm {
  const text = textForm();
  return {
    allowed: "names (a-z, 0-9, -), each followed by a colon and its database address",
    schema: {
      anyOf: [
        {
          type: "object",
          minProperties: 1,
          propertyNames: { pattern: name.source },
          additionalProperties: { type: "string", pattern: url.source },
        },
        { type: "string", minLength: 1 },
      ],
    },
    textOf(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return text.textOf(value);
      const pairs = Object.entries(value);
      // A space would make two of one.
      const isPlain = ([key, at]: [string, unknown]) => name.test(key) && typeof at === "string" && /^\S+$/.test(at);
      return pairs.length > 0 && pairs.every(isPlain) ? pairs.map(([key, at]) => `${key}=${at}`).join(" ") : undefined;
    },
    jsonOf: (value) => value,
  };
}
