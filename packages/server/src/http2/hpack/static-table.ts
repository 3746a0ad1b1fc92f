import { FieldEntry } from "./field-entry.js";

/** RFC 7541 appendix A, from index 1 on. */
const FIELDS = `:authority
:method=GET
:method=POST
:path=/
:path=/index.html
:scheme=http
:scheme=https
:status=200
:status=204
:status=206
:status=304
:status=400
:status=404
:status=500
accept-charset
accept-encoding=gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split("\n");

/** The entry of index `i` is at `i - 1`. */
export const STATIC_ENTRIES: readonly FieldEntry[] = FIELDS.map((field) => {
  const [name = "", value = ""] = field.split("=");
  return FieldEntry.of(name, value);
});

/** The first index of a name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  FIELDS.map((field, i) => [field.split("=")[0]!, i + 1] as const).reverse(),
);

/** The index of `name=value`. */
export const STATIC_FIELDS: ReadonlyMap<string, number> = new Map(
  FIELDS.flatMap((field, i) => (field.includes("=") ? [[field, i + 1] as const] : [])),
);
