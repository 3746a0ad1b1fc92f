import * as client from "openid-client";
import { CloudtermError, shown } from "../errors.js";
import { userName } from "./user.js";

export interface OidcLoginOptions {
  /** `https:` URL of the provider, as its discovery document names it; `http:` on loopback only. */
  readonly issuer: string;
  readonly clientId: string;
  /** Without it the client is a public one: PKCE alone. */
  readonly clientSecret?: string | undefined;
  /** Default `openid profile`. */
  readonly scope?: string | undefined;
  /**
   * The claim that is the user's name. Default `preferred_username`. With `email` only addresses count that the provider
   * has verified. Choose one that users cannot change into somebody else's.
   */
  readonly userClaim?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A login that is under way: `url` is where the browser goes, `saved` comes back to {@link OidcLogin.finish}. */
export interface OidcStart {
  readonly url: string;
  /** Secret: keep it on this side and give the browser a ticket for it. */
  readonly saved: string;
}

interface Saved {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

const TIMEOUT_MS = 10_000;

/**
 * Single sign-on by OpenID Connect: authorization code with PKCE (RFC 7636), state and nonce; the ID token's signature,
 * issuer, audience and times are verified (OpenID Connect Core 1.0 §3.1.3.7).
 */
export class OidcLogin {
  readonly #options: OidcLoginOptions;
  readonly #issuer: URL;
  #configuration: Promise<client.Configuration> | undefined;

  /** @throws CloudtermError `TZ_CLOUDTERM_OPTION` */
  constructor(options: OidcLoginOptions) {
    this.#options = options;
    const { issuer, clientId } = options;
    const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
    if (url === undefined || !(url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url))))
      throw wrong("issuer", issuer, "an https: URL, or http: on loopback");
    if (clientId === "") throw wrong("clientId", clientId, "the name that the provider knows this client by");
    this.#issuer = url;
  }

  /**
   * Begins a login.
   * @param redirectUri where the provider sends the browser back to, as it is registered there
   * @throws CloudtermError `TZ_CLOUDTERM_UPSTREAM` when the provider cannot be asked
   */
  async begin(redirectUri: string): Promise<OidcStart> {
    const configuration = await this.#discovered();
    const saved: Saved = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      redirectUri,
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.#options.scope ?? "openid profile",
      state: saved.state,
      nonce: saved.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(saved.verifier),
      code_challenge_method: "S256",
    });
    return { url: url.href, saved: JSON.stringify(saved) };
  }

  /**
   * Ends a login.
   * @param query what the provider sent the browser back with, from `?` on
   * @returns the user's name
   * @throws CloudtermError `TZ_CLOUDTERM_LOGIN` for an answer that is not good, `TZ_CLOUDTERM_UPSTREAM` when the provider
   *   cannot be asked
   */
  async finish(query: string, saved: string): Promise<string> {
    const { state, nonce, verifier, redirectUri } = JSON.parse(saved) as Saved;
    const configuration = await this.#discovered();
    let claims: Readonly<Record<string, unknown>>;
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(query, redirectUri), {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      claims = await this.#claims(configuration, tokens);
    } catch (cause) {
      throw new CloudtermError("TZ_CLOUDTERM_LOGIN", `the single sign-on failed: ${reasonOf(cause)}`, {
        cause,
      });
    }
    return this.#nameIn(claims);
  }

  /** Those of the ID token; of the user info too, when the name is not among them. */
  async #claims(
    configuration: client.Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
  ): Promise<Readonly<Record<string, unknown>>> {
    const claims = tokens.claims();
    if (claims === undefined) throw new Error("there is no ID token");
    if (claims[this.#userClaim] !== undefined) return claims;
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    return { ...claims, ...(await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)) };
  }

  #nameIn(claims: Readonly<Record<string, unknown>>): string {
    const value = claims[this.#userClaim];
    const refuse = (message: string) => new CloudtermError("TZ_CLOUDTERM_LOGIN", message);
    if (typeof value !== "string") throw refuse(`the provider gives no ${this.#userClaim}`);
    if (this.#userClaim === "email" && claims.email_verified !== true)
      throw refuse("the provider has not verified the address");
    const name = userName(value);
    if (name === undefined) throw refuse(`${this.#userClaim} is ${shown(value)}, which is no user name`);
    return name;
  }

  get #userClaim(): string {
    return this.#options.userClaim ?? "preferred_username";
  }

  /** Once; when it failed, the next login tries again. */
  #discovered(): Promise<client.Configuration> {
    this.#configuration ??= this.#discover().catch((cause: unknown) => {
      this.#configuration = undefined;
      throw new CloudtermError("TZ_CLOUDTERM_UPSTREAM", `the provider cannot be asked: ${reasonOf(cause)}`, {
        cause,
      });
    });
    return this.#configuration;
  }

  #discover(): Promise<client.Configuration> {
    const { clientId, clientSecret, timeoutMs = TIMEOUT_MS } = this.#options;
    const authentication =
      clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
    return client.discovery(this.#issuer, clientId, undefined, authentication, {
      timeout: timeoutMs / 1000,
      execute: this.#issuer.protocol === "http:" ? [client.allowInsecureRequests] : [],
    });
  }
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** In words, without tokens and codes. */
function reasonOf(error: unknown): string {
  const {
    error: code,
    code: name,
    message = "",
  } = error as { error?: unknown; code?: unknown; message?: string };
  return [code, name].find((each) => typeof each === "string")?.toString() ?? message;
}

function wrong(name: string, value: unknown, allowed: string): CloudtermError {
  return new CloudtermError(
    "TZ_CLOUDTERM_OPTION",
    `oidcLogin: ${name} is ${shown(value)}; allowed: ${allowed}`,
  );
}
