/** `token` of RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The elements of a comma list without quoted strings; empty ones are dropped (RFC 9110 §5.6.1). */
export function listElements(value: string): string[] {
  return value.split(",").map(trimBlanks).filter(Boolean);
}

/** True when a list names `token`, in any case. */
export function listHas(value: string | undefined, token: string): boolean {
  return value !== undefined && listElements(value).some((element) => element.toLowerCase() === token);
}

/** Without the blanks that a field value may have around an element: SP and HTAB. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (start < end && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
