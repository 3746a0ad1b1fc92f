/**
 * Well-known field names by id. Ids below 32 have a bit in `fieldMask`: those that decide how a request is answered.
 * Ids from 64 to 95 are not given: the scanner sets bit `id % 64` of a 64-bit mask without looking whether the id is
 * below 32. Names are at most 31 bytes long: the scanner compares 32, with the colon.
 */
export const FIELD = {
  host: 0,
  connection: 1,
  contentLength: 2,
  transferEncoding: 3,
  expect: 4,
  upgrade: 5,
  ifMatch: 6,
  ifNoneMatch: 7,
  ifModifiedSince: 8,
  ifUnmodifiedSince: 9,
  ifRange: 10,
  range: 11,
  acceptEncoding: 12,
  accept: 13,
  origin: 14,
  cookie: 15,
  authorization: 16,
  contentType: 17,
  te: 18,
  trailer: 19,
  wantContentDigest: 20,
  wantReprDigest: 21,
  cacheControl: 22,
  pragma: 23,
  accessControlRequestMethod: 24,
  accessControlRequestHeaders: 25,
  secWebSocketKey: 26,
  contentEncoding: 27,
  forwarded: 28,
  xForwardedFor: 29,
  keepAlive: 30,
  proxyConnection: 31,
  userAgent: 32,
  acceptLanguage: 33,
  referer: 34,
  secFetchSite: 35,
  secFetchMode: 36,
  secFetchDest: 37,
  secFetchUser: 38,
  secChUa: 39,
  secChUaMobile: 40,
  secChUaPlatform: 41,
  upgradeInsecureRequests: 42,
  dnt: 43,
  priority: 44,
  secGpc: 45,
  secWebSocketVersion: 46,
  secWebSocketProtocol: 47,
  secWebSocketExtensions: 48,
  secWebSocketAccept: 49,
  xForwardedProto: 50,
  xForwardedHost: 51,
  xForwardedPort: 52,
  xRealIp: 53,
  xRequestId: 54,
  traceparent: 55,
  tracestate: 56,
  via: 57,
  date: 58,
  server: 59,
  etag: 60,
  lastModified: 61,
  expires: 62,
  age: 63,
  vary: 96,
  location: 97,
  setCookie: 98,
  contentRange: 99,
  acceptRanges: 100,
  contentDisposition: 101,
  contentLanguage: 102,
  contentLocation: 103,
  contentSecurityPolicy: 104,
  strictTransportSecurity: 105,
  wwwAuthenticate: 106,
  proxyAuthenticate: 107,
  proxyAuthorization: 108,
  accessControlAllowOrigin: 109,
  accessControlAllowMethods: 110,
  accessControlAllowHeaders: 111,
  accessControlExposeHeaders: 112,
  accessControlMaxAge: 113,
  link: 114,
  retryAfter: 115,
  allow: 116,
  contentDigest: 117,
  reprDigest: 118,
  maxForwards: 119,
  xRequestedWith: 120,
  altSvc: 121,
  serverTiming: 122,
  timingAllowOrigin: 123,
  xContentTypeOptions: 124,
  xFrameOptions: 125,
} as const;

export type FieldId = (typeof FIELD)[keyof typeof FIELD] | (number & { readonly __fieldId?: never });

/** The id of a name that has none of its own. */
export const UNKNOWN_FIELD = 255;

/** Ids stay below this bound. */
export const FIELD_IDS_END = 127;

/** `altSvc` → `alt-svc`. WebSocket's fields alone are not plain kebab case. */
function nameOf(key: string): string {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return name.replace(/^sec-web-socket-/, "sec-websocket-");
}

/** id → lower-case name; empty for numbers that are no id. */
export const FIELD_NAMES: readonly string[] = (() => {
  const names: string[] = new Array(FIELD_IDS_END).fill("");
  for (const [key, id] of Object.entries(FIELD)) names[id] = nameOf(key);
  return names;
})();

const idByName = new Map<string, number>(Object.entries(FIELD).map(([key, id]) => [nameOf(key), id]));

/** The id of a lower-case name; {@link UNKNOWN_FIELD} when it has none. */
export function fieldIdOf(lowerCaseName: string): FieldId {
  return idByName.get(lowerCaseName) ?? UNKNOWN_FIELD;
}
