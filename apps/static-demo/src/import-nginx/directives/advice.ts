/** What to do about directives that cannot be converted. */

const PROXY =
  "tz-static passes nothing on; leave nginx (or another proxy) in front for this location, see docs/deploy/with-nginx, or write a handler of @tz/server";
const ACCESS = "tz-static lets everybody in; write a middleware of @tz/server, or leave nginx in front";
const LIMIT =
  "say it for a route of @tz/server (ratePerSecond, maxConnectionsPerAddress), or leave nginx in front";

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_/, PROXY],
  [/^(?:auth_|satisfy$|secure_link|ssl_verify|ssl_client_certificate$|ssl_crl$|ssl_ocsp)/, ACCESS],
  [/^limit_(?:req|conn)/, LIMIT],
  [/^(?:rewrite|break|set|if)$/, "needs a program: a handler of @tz/server, or nginx in front"],
  [
    /^(?:sub_filter|addition|add_(?:before|after)_body|ssi|xslt|image_filter|perl|js_|lua|dav_|mp4|flv|slice|mirror)/,
    "changes or makes content; write a handler of @tz/server",
  ],
  [
    /^(?:real_ip|set_real_ip)/,
    "say trustedProxies of @tz/server; files do not depend on the client's address",
  ],
  [/^(?:stream|mail)$/, "is no HTTP; leave it to nginx"],
  [/^add_trailer$/, "trailers of files cannot be set; leave it out"],
];

export function adviceFor(name: string): string {
  const found = ADVICE.find(([names]) => names.test(name));
  return (
    found?.[1] ?? "is not known here; leave it out if the files do not need it, and keep nginx if they do"
  );
}
