import {
  browserSupportsWebAuthn,
  type PublicKeyCredentialCreationOptionsJSON,
  startRegistration,
} from "@simplewebauthn/browser";
import { submitting } from "./account-dialog.js";
import { ApiError, api, type Welcome } from "./api.js";
import { field, h, toast, when } from "./dom.js";

/** Passkeys of an account: a list, one more, one less. The password goes with both. */
export function passkeyForm(welcome: Welcome, update: (welcome: Welcome) => void): HTMLElement {
  const password = h("input", {
    type: "password",
    name: "passkey-password",
    autocomplete: "current-password",
    required: true,
  });
  const name = h("input", { name: "passkey-name", autocomplete: "off", maxLength: 60, value: "passkey" });
  const confirmation = () => (welcome.hasPassword ? { password: password.value } : {});
  const add = h("button", { type: "submit", className: "primary" }, "Add a passkey");
  const fields = [
    field("Name of the passkey", name),
    ...(welcome.hasPassword ? [field("Password for passkeys", password)] : []),
  ];
  const form = submitting(h("form", { className: "grid" }, ...fields, add), async () => {
    const begun = await api<{ options: PublicKeyCredentialCreationOptionsJSON; ticket: string }>(
      "POST",
      "account/passkeys",
      {},
    );
    const response = await startRegistration({ optionsJSON: begun.options }).catch(() => {
      throw new ApiError(400, { message: "No passkey was made." });
    });
    const body = { ticket: begun.ticket, response, name: name.value, ...confirmation() };
    update(await api<Welcome>("POST", "account/passkeys/finish", body));
    toast("The passkey was added.");
  });
  const rows = welcome.passkeys.map((passkey) => {
    const remove = h("button", { type: "button", className: "danger" }, "Remove");
    remove.onclick = async () => {
      try {
        const body = { id: passkey.id, ...confirmation() };
        update(await api<Welcome>("POST", "account/passkeys/remove", body));
      } catch (error) {
        toast(error instanceof ApiError ? error.message : "The gateway cannot be reached.", "error");
      }
    };
    return h("li", {}, h("span", {}, passkey.name, h("small", {}, when(passkey.createdMs))), remove);
  });
  const hint = "A passkey logs you in by itself: a finger or a PIN instead of password and code.";
  if (!browserSupportsWebAuthn()) return h("p", { className: "hint" }, "This page cannot use passkeys.");
  return h(
    "div",
    {},
    h("p", { className: "hint" }, hint),
    ...(rows.length > 0 ? [h("ul", { className: "rows" }, ...rows)] : []),
    form,
  );
}
