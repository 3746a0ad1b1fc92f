import { ApiError, api } from "./api.js";
import { dialog, field, h, toast, when } from "./dom.js";

interface Invite {
  readonly id: string;
  readonly access: "read" | "write";
  readonly endMs: number;
}

const HOUR_MS = 3_600_000;

/** Makes, lists and revokes links to one terminal. */
export async function openShare(terminal: string): Promise<void> {
  const list = h("ul", { className: "rows" });
  const refresh = async () => {
    const { invites } = await api<{ invites: Invite[] }>("GET", `terminals/${terminal}/invites`);
    list.replaceChildren(
      ...invites.map(({ id, access, endMs }) => {
        const revoke = h("button", { type: "button", className: "danger" }, "Revoke");
        revoke.onclick = async () => {
          await api("DELETE", `terminals/${terminal}/invites/${id}`);
          await refresh();
        };
        return h(
          "li",
          {},
          h("span", {}, `${access === "read" ? "View" : "Control"} · until ${when(endMs)}`),
          revoke,
        );
      }),
    );
    if (invites.length === 0) list.replaceChildren(h("li", { className: "hint" }, "No link leads here."));
  };
  const access = h(
    "select",
    { name: "access" },
    h("option", { value: "read" }, "View only"),
    h("option", { value: "write" }, "View and type"),
  );
  const life = h(
    "select",
    { name: "life" },
    h("option", { value: String(HOUR_MS) }, "1 hour"),
    h("option", { value: String(8 * HOUR_MS) }, "8 hours"),
    h("option", { value: String(7 * 24 * HOUR_MS) }, "7 days"),
  );
  const link = h("input", { readOnly: true, name: "link", aria: { label: "Link" } });
  const copy = h("button", { type: "button" }, "Copy");
  copy.onclick = () => {
    link.select();
    void navigator.clipboard.writeText(link.value).then(
      () => toast("Copied."),
      () => toast("Copy it from the field.", "error"),
    );
  };
  const result = h("div", { className: "result", hidden: true }, link, copy);
  const make = h("button", { type: "submit", className: "primary" }, "Make a link");
  const form = h("form", { className: "grid" }, field("Guests may", access), field("For", life), make);
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      const { secret } = await api<{ secret: string }>("POST", `terminals/${terminal}/invites`, {
        access: access.value,
        lifeMs: Number(life.value),
      });
      // Behind #: it is sent to nobody and stands in no log.
      const url = new URL(document.baseURI);
      url.hash = `share=${secret}`;
      link.value = url.href;
      result.hidden = false;
      link.select();
      await refresh();
    } catch (error) {
      toast(error instanceof ApiError ? error.message : "The gateway cannot be reached.", "error");
    }
  };
  dialog("Share this terminal", form, result, h("h3", {}, "Links"), list);
  await refresh();
}
