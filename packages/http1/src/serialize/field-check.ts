import { HeadWriteError } from "../errors.js";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** HTAB, SP, visible characters and obs-text, which leaves as ISO-8859-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Refuses what could end a field or start another one.
 * @throws {HeadWriteError} for a name that is not a token, or a value with CR, LF, NUL, another control
 *   character or a character beyond U+00FF
 */
export function checkField(name: string, value: string): void {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new HeadWriteError(
      "TZ_HTTP1_WRITE_NAME",
      `Field name ${JSON.stringify(name)} is not a token (RFC 9110 §5.1)`,
    );
  }
  if (typeof value !== "string" || !VALUE.test(value)) {
    throw new HeadWriteError(
      "TZ_HTTP1_WRITE_VALUE",
      `The value of ${name} has a control character or one beyond U+00FF (RFC 9110 §5.5)`,
    );
  }
}

/**
 * A flat list of fields as text: `Name: value CRLF …`, without the empty line.
 * @throws {HeadWriteError} as {@link checkField}, and when a name has no value
 */
export function fieldLines(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    checkField(name, value);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
