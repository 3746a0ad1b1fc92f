export interface SecurityFieldsOptions {
  /** Who may show the gateway in a frame. Default `'none'`. */
  readonly frameAncestors?: string;
  /** `https:` pages only: browsers shall come by TLS from now on, for a year. Default `false`. */
  readonly hsts?: boolean;
}

/**
 * What every answer carries: scripts, styles and connections of the gateway itself only, nothing inline in scripts, no
 * frames. A terminal draws with inline styles and data images, so these are allowed; WebAssembly is for its images.
 * @returns a flat list: name, value, name, value …
 */
export function securityFields({
  frameAncestors = "'none'",
  hsts = false,
}: SecurityFieldsOptions = {}): string[] {
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${frameAncestors}`,
  ];
  const fields = [
    "Content-Security-Policy",
    policy.join("; "),
    "X-Content-Type-Options",
    "nosniff",
    "Referrer-Policy",
    "no-referrer",
    "Cross-Origin-Opener-Policy",
    "same-origin",
    "Cross-Origin-Resource-Policy",
    "same-origin",
  ];
  if (frameAncestors === "'none'") fields.push("X-Frame-Options", "DENY");
  if (hsts) fields.push("Strict-Transport-Security", "max-age=31536000");
  return fields;
}
