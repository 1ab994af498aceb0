/**
 * An input without canonical JSON, by which a key that is used again could not be told from another. Nothing was sent.
 *
 * A TypeError, because it is one: what `once` is called with is of the wrong type.
 */
export class InvalidInputError extends TypeError {
  override readonly name = "InvalidInputError";
  readonly reason = "INVALID_INPUT";
  /** Where in the input it is: names of properties, and places in lists. Empty: it is the input itself. */
  readonly path: readonly (string | number)[];
  /** What to do, for people. */
  readonly remedy =
    "Turn it into plain values: text for a BigInt, null for NaN, lists for a Map or a Set; or give bytes as the input.";

  constructor(message: string, input: unknown, cause?: unknown) {
    super(message, { cause });
    this.path = pathToUnrepresentable(input);
  }
}

/**
 * A value that its serializer cannot turn into bytes. The `cause` of the ResultUnavailableError that `once` throws when
 * its work has returned such a value: the work is done, and the record says so.
 */
export class NotSerializableError extends TypeError {
  override readonly name = "NotSerializableError";
  readonly reason = "NOT_SERIALIZABLE";
  /** What to do, for people. */
  readonly remedy = "Return a value that the serializer takes, or give `once` one that takes this value.";
}

/** A value that is under the walk, or, on its way back, one that it leaves. */
interface Step {
  readonly value: unknown;
  readonly path: Path | undefined;
  readonly leaves: boolean;
}

interface Path {
  readonly name: string | number;
  readonly above: Path | undefined;
}

/** Where the first part is that JSON does not have. Iterative: depth is bounded by the heap and not by the stack. */
function pathToUnrepresentable(input: unknown): readonly (string | number)[] {
  const above = new Set<unknown>();
  const open: Step[] = [{ value: jsonOf(input), path: undefined, leaves: false }];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const { value, path, leaves } = step;
    if (leaves) {
      above.delete(value);
      continue;
    }
    if (above.has(value) || !isRepresentable(value, path === undefined)) return names(path);
    if (typeof value !== "object" || value === null) continue;
    above.add(value);
    open.push({ value, path, leaves: true });
    const children = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    for (const [name, child] of children.reverse()) {
      const at = { name, above: path };
      if (typeof name === "string" && !name.isWellFormed()) return names(at);
      open.push({ value: jsonOf(child), path: at, leaves: false });
    }
  }
  return [];
}

function isRepresentable(value: unknown, isWhole: boolean): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "number":
      return Number.isFinite(value);
    case "boolean":
      return true;
    case "undefined":
      return !isWhole;
    case "object":
      return value === null || /^\[object (?:Object|Array)\]$/.test(Object.prototype.toString.call(value));
    case "bigint":
    case "function":
    case "symbol":
      return false;
  }
}

/** What throws has no JSON, and what is left as it is neither. */
function jsonOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("toJSON" in value)) return value;
  try {
    if (typeof value.toJSON !== "function") return value;
    const json: unknown = value.toJSON("");
    return value instanceof Date && json === null ? value : json;
  } catch {
    return Symbol("no JSON");
  }
}

function names(path: Path | undefined): readonly (string | number)[] {
  const found: (string | number)[] = [];
  for (let at = path; at !== undefined; at = at.above) found.push(at.name);
  return found.reverse();
}
