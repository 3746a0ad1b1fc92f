/** Flat lists of fields: name, value, name, value … Names are compared without case. */

export function fieldIn(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.toLowerCase() === name) return fields[i + 1];
  }
  return undefined;
}

/** @param names in lower case */
export function withoutFields(fields: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!names.has(fields[i]!.toLowerCase())) kept.push(fields[i]!, fields[i + 1]!);
  }
  return kept;
}

/** `fields` with `more` in place of those of the same name. */
export function withFields(fields: readonly string[], more: readonly string[]): string[] {
  const names = new Set(more.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()));
  return [...withoutFields(fields, names), ...more];
}

/** `fields`, with `name` in the list that `Vary` is (RFC 9110 §12.5.5). */
export function varyingOn(fields: readonly string[], name: string): string[] {
  // It may be said in several lines.
  const before = fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === "vary").join(", ");
  if (before === "") return withFields(fields, ["Vary", name]);
  const known = before.split(",").map((one) => one.trim().toLowerCase());
  if (known.includes("*") || known.includes(name.toLowerCase())) return [...fields];
  return withFields(fields, ["Vary", `${before}, ${name}`]);
}
