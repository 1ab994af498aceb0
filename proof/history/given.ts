/** A field that is left out when there is nothing to put into it. */
export function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Readonly<Record<Name, Value>> | Readonly<Record<Name, never>> {
  return (value === undefined ? {} : { [name]: value }) as Readonly<Record<Name, Value>>;
}
