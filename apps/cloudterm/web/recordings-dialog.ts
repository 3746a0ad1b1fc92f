import { ApiError, api, urlOf } from "./api.js";
import { confirmed, dialog, h, toast, when } from "./dom.js";
import { playRecording } from "./recording-player.js";

interface Recording {
  readonly id: string;
  readonly createdMs: number;
  readonly byteLength: number;
  readonly running: boolean;
}

const said = (error: unknown) =>
  toast(error instanceof ApiError ? error.message : "The recording cannot be read.", "error");

/** Lists, plays, saves and deletes recordings. */
export async function openRecordings(): Promise<void> {
  const list = h("ul", { className: "rows" });
  const missing = h(
    "p",
    { className: "problem", hidden: true },
    "Another gateway does not answer now; its recordings are not listed.",
  );
  const button = (text: string, className: string, action: () => Promise<void>) => {
    const element = h("button", { type: "button", className }, text);
    element.onclick = () => void action().catch(said);
    return element;
  };
  const refresh = async () => {
    const { recordings, silent } = await api<{ recordings: Recording[]; silent: number }>(
      "GET",
      "recordings",
    );
    missing.hidden = silent === 0;
    if (recordings.length === 0)
      list.replaceChildren(
        h("li", { className: "hint" }, "There are none. ● opens a terminal that is recorded."),
      );
    else list.replaceChildren(...recordings.map(row));
  };
  const row = ({ id, createdMs, byteLength, running }: Recording) => {
    const url = urlOf(`recordings/${id}`);
    const play = button("Play", "primary", async () => {
      const answer = await fetch(url, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) throw new ApiError(answer.status, {});
      playRecording(`Recording of ${when(createdMs)}`, await answer.text());
    });
    const remove = button("Delete", "danger", async () => {
      if (!(await confirmed("Delete this recording?", "Delete it"))) return;
      await api("DELETE", `recordings/${id}`);
      await refresh();
    });
    const size = `${Math.ceil(byteLength / 1024)} KiB${running ? " · being recorded" : ""}`;
    const save = h("a", { href: url.href, download: `${id}.cast` }, "Save");
    return h(
      "li",
      {},
      h("span", {}, when(createdMs), h("small", {}, size)),
      h("div", { className: "actions" }, play, save, remove),
    );
  };
  dialog("Recordings", missing, list);
  await refresh().catch(said);
}
