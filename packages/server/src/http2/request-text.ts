/** What the parser of HTTP/1.1 would say no to, or what has no form there. */
export const NOT_A_REQUEST = 400;
/** `CONNECT` asks for a tunnel: there are none over HTTP/2 here. */
export const NO_TUNNEL = 501;

/**
 * The head of an HTTP/2 request in the form of HTTP/1.1 (RFC 9113 §8.3), for the one parser that decides what is a
 * request. nghttp2 has checked before that names and values hold no line ends, that pseudo-fields come once and first,
 * and that there are no fields of a connection.
 * @param raw name, value, name, value …
 * @returns the text, or the status of the answer
 */
export function requestText(raw: readonly string[]): string | typeof NOT_A_REQUEST | typeof NO_TUNNEL {
  let method = "";
  let path = "";
  let authority: string | undefined;
  let host: string | undefined;
  let cookies = "";
  let fields = "";
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name === ":method") method = value;
    else if (name === ":path") path = value;
    else if (name === ":authority") authority = value;
    else if (name.startsWith(":")) continue;
    else if (name === "host") {
      if (host !== undefined) return NOT_A_REQUEST;
      host = value;
    }
    // Cookies may come in crumbs (§8.2.3).
    else if (name === "cookie") cookies = cookies === "" ? value : `${cookies}; ${value}`;
    else fields += `${name}: ${value}\r\n`;
  }
  if (method === "CONNECT") return NO_TUNNEL;
  if (!path.startsWith("/") && path !== "*") return NOT_A_REQUEST;
  // §8.3.1: two names for one server are two requests.
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    return NOT_A_REQUEST;
  }
  const name = authority ?? host;
  if (name === undefined || name === "") return NOT_A_REQUEST;
  if (cookies !== "") fields += `cookie: ${cookies}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: ${name}\r\n${fields}\r\n`;
}
