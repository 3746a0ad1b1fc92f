import { ServerError } from "../errors.js";

/**
 * An option that a reply does not know is a field or a status that the client never gets: `headers` is what others call
 * `fields`.
 * @param of the function, for the message
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function checkReplyOptions(of: string, options: object, allowed: readonly string[]): void {
  // What is written in JavaScript may be anything.
  const given: unknown = options;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw refusal(
      `the options of ${of}() are ${JSON.stringify(given)}`,
      `an object of ${allowed.join(", ")}`,
    );
  }
  for (const name in options) {
    if (allowed.includes(name)) continue;
    const hint = name === "headers" ? " (fields: a flat list, name, value, name, value …)" : "";
    throw refusal(`${of}() has no option ${JSON.stringify(name)}`, `${allowed.join(", ")}${hint}`);
  }
  const { fields } = options as { fields?: unknown };
  if (fields !== undefined && !Array.isArray(fields)) {
    throw refusal(`fields of ${of}() are no list`, "a flat list: name, value, name, value …");
  }
}

function refusal(what: string, allowed: string): ServerError {
  return new ServerError("TZ_SERVER_OPTION", `${what}; allowed: ${allowed}`);
}
