/** Flat lists of fields: name, value, name, value, … */

/** Replaces the field, or adds it. */
export function setField(fields: string[], name: string, value: string): void {
  const wanted = name.toLowerCase();
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.toLowerCase() === wanted) {
      fields[i + 1] = value;
      return;
    }
  }
  fields.push(name, value);
}

export function fieldIn(fields: readonly string[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === wanted) return fields[i + 1];
  return undefined;
}

/** Adds names to `Vary` that are not in it. */
export function addVary(fields: string[], ...names: readonly string[]): void {
  if (names.length === 0) return;
  const before = fieldIn(fields, "vary");
  const all = before === undefined || before === "" ? [] : before.split(/\s*,\s*/);
  if (all.includes("*")) return;
  for (const name of names) {
    if (!all.some((each) => each.toLowerCase() === name.toLowerCase())) all.push(name);
  }
  setField(fields, "Vary", all.join(", "));
}

/** The second list wins over the first; `Vary` is a list of its own, which grows. */
export function mergeFields(fields: string[], more: readonly string[]): string[] {
  for (let i = 0; i < more.length; i += 2) {
    if (more[i] === "Vary") addVary(fields, ...more[i + 1]!.split(", "));
    else setField(fields, more[i]!, more[i + 1]!);
  }
  return fields;
}
