import { createHash } from "node:crypto";
import { isIP } from "node:net";
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { CloudtermError } from "../errors.js";
import type { TicketStore } from "./ticket-store.js";
import type { Passkey, User } from "./user.js";
import type { UsersFile } from "./users-file.js";

export interface PasskeysOptions {
  readonly users: UsersFile;
  readonly tickets: TicketStore;
  /** What the authenticator shows. Default `cloudterm`. */
  readonly name?: string | undefined;
}

/** The pages that ask. */
export interface PasskeySite {
  /** `https://term.example` */
  readonly origin: string;
}

export interface PasskeyBegun<Options> {
  readonly options: Options;
  /** Comes back with the authenticator's answer, once. */
  readonly ticket: string;
}

const CEREMONY_MS = 5 * 60_000;
const PASSKEYS_MAX = 20;
const NAME_LENGTH_MAX = 60;
const LOGIN = "passkey-login";

/**
 * Passkeys (WebAuthn Level 2): kept by the authenticator, named by it, and only good after it has verified its user (a
 * finger, a PIN). So a passkey is a whole login, with two factors. It is bound to the name that the gateway is reached by.
 */
export class Passkeys {
  readonly #users: UsersFile;
  readonly #tickets: TicketStore;
  readonly #name: string;

  constructor({ users, tickets, name = "cloudterm" }: PasskeysOptions) {
    this.#users = users;
    this.#tickets = tickets;
    this.#name = name;
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_REQUEST` where there can be none: at an address instead of a name */
  async beginRegistration(
    user: User,
    site: PasskeySite,
  ): Promise<PasskeyBegun<PublicKeyCredentialCreationOptionsJSON>> {
    const options = await generateRegistrationOptions({
      rpName: this.#name,
      rpID: relyingParty(site),
      userName: user.name,
      userID: handleOf(user.name),
      excludeCredentials: user.passkeys.map(({ id }) => ({ id })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      timeout: CEREMONY_MS,
    });
    return { options, ticket: await this.#tickets.put(purpose(user), options.challenge, CEREMONY_MS) };
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_REQUEST` for an answer that is not good */
  async finishRegistration(
    user: User,
    site: PasskeySite,
    { ticket, response, name }: { ticket: string; response: unknown; name: string },
  ): Promise<User> {
    const challenge = await this.#tickets.take(purpose(user), ticket);
    if (challenge === undefined)
      throw new CloudtermError("TZ_CLOUDTERM_REQUEST", "that took too long; begin again");
    const verified = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: relyingParty(site),
      requireUserVerification: true,
    }).catch((cause: Error) => {
      throw new CloudtermError("TZ_CLOUDTERM_REQUEST", `the passkey is not good: ${cause.message}`, {
        cause,
      });
    });
    if (!verified.verified) throw new CloudtermError("TZ_CLOUDTERM_REQUEST", "the passkey is not good");
    const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
    const passkey: Passkey = {
      id,
      publicKey: Buffer.from(publicKey).toString("base64url"),
      counter,
      transports: transports.filter((each) => /^[a-z-]{1,20}$/.test(each)),
      name:
        name
          .replace(/\p{Cc}/gu, "")
          .trim()
          .slice(0, NAME_LENGTH_MAX) || "passkey",
      createdMs: Date.now(),
    };
    if (this.#ownerOf(id) !== undefined)
      throw new CloudtermError("TZ_CLOUDTERM_REQUEST", "that passkey is registered already");
    return this.#users.update(user.name, ({ passkeys }) => {
      if (passkeys.length >= PASSKEYS_MAX)
        throw new CloudtermError("TZ_CLOUDTERM_REQUEST", `a user has at most ${PASSKEYS_MAX} passkeys`);
      return { passkeys: [...passkeys, passkey] };
    });
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_REQUEST` where there can be none */
  async beginLogin(site: PasskeySite): Promise<PasskeyBegun<PublicKeyCredentialRequestOptionsJSON>> {
    const options = await generateAuthenticationOptions({
      rpID: relyingParty(site),
      userVerification: "required",
      timeout: CEREMONY_MS,
    });
    return { options, ticket: await this.#tickets.put(LOGIN, options.challenge, CEREMONY_MS) };
  }

  /** Whose passkey an answer names: proves nothing, and is what attempts are counted by. */
  claimedBy(response: unknown): User | undefined {
    const { id } = (response ?? {}) as { id?: unknown };
    return typeof id === "string" ? this.#ownerOf(id) : undefined;
  }

  /** @returns whose login it is; `undefined` when the answer is not good */
  async finishLogin(
    site: PasskeySite,
    { ticket, response }: { ticket: string; response: unknown },
  ): Promise<User | undefined> {
    const challenge = await this.#tickets.take(LOGIN, ticket);
    const user = this.claimedBy(response);
    const given = response as AuthenticationResponseJSON;
    const passkey = user?.passkeys.find(({ id }) => id === given.id);
    if (challenge === undefined || user === undefined || passkey === undefined) return undefined;
    try {
      const handle = given.response.userHandle;
      if (handle !== undefined && handle !== Buffer.from(handleOf(user.name)).toString("base64url"))
        return undefined;
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: given,
        expectedChallenge: challenge,
        expectedOrigin: site.origin,
        expectedRPID: relyingParty(site),
        requireUserVerification: true,
        credential: {
          id: passkey.id,
          publicKey: new Uint8Array(Buffer.from(passkey.publicKey, "base64url")),
          counter: passkey.counter,
        },
      });
      if (!verified) return undefined;
      return await this.#counted(user, passkey.id, authenticationInfo.newCounter);
    } catch {
      // Whatever a malformed answer makes of the verification: it is no login.
      return undefined;
    }
  }

  /** A counter that does not grow is that of a copy (WebAuthn §6.1.1); authenticators without one always say 0. */
  async #counted(user: User, id: string, counter: number): Promise<User | undefined> {
    let isGood = false;
    const updated = await this.#users.update(user.name, ({ passkeys }) => {
      const now = passkeys.find((each) => each.id === id);
      isGood = now !== undefined && (counter > now.counter || (counter === 0 && now.counter === 0));
      if (!isGood || counter === 0) return undefined;
      return { passkeys: passkeys.map((each) => (each.id === id ? { ...each, counter } : each)) };
    });
    return isGood ? updated : undefined;
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_NOT_FOUND` */
  remove(user: User, id: string): Promise<User> {
    return this.#users.update(user.name, ({ passkeys }) => {
      const left = passkeys.filter((each) => each.id !== id);
      if (left.length === passkeys.length) throw new CloudtermError("TZ_CLOUDTERM_NOT_FOUND");
      return { passkeys: left };
    });
  }

  #ownerOf(id: string): User | undefined {
    return this.#users.list().find(({ passkeys }) => passkeys.some((each) => each.id === id));
  }
}

function purpose(user: User): string {
  return `passkey-new:${user.name}`;
}

/** The authenticator keeps it: it does not say who the user is. */
function handleOf(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(`tz-cloudterm user ${name}`).digest());
}

/** The name without the port (WebAuthn §5.1.2). */
function relyingParty({ origin }: PasskeySite): string {
  const { hostname } = new URL(origin);
  if (isIP(hostname.replace(/^\[(.*)\]$/, "$1")) === 0) return hostname;
  throw new CloudtermError(
    "TZ_CLOUDTERM_REQUEST",
    "passkeys belong to a name: open the gateway by its name (or as localhost), not by its address",
  );
}
