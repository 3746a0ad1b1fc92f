import { ApiError, api, sendFile, urlOf } from "./api.js";
import { confirmed, dialog, field, h, toast, when } from "./dom.js";

interface Entry {
  readonly name: string;
  readonly kind: "file" | "directory" | "other";
  readonly byteLength: number;
  readonly modifiedMs: number;
}

interface Listing {
  readonly entries: readonly Entry[];
  readonly maxFileBytes: number;
}

const said = (error: unknown) =>
  toast(error instanceof ApiError ? error.message : "The gateway cannot be reached.", "error");

function joined(folder: string, name: string): string {
  return folder === "" || folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

function parentOf(folder: string): string {
  const at = folder.lastIndexOf("/");
  return at < 0 ? "" : at === 0 ? "/" : folder.slice(0, at);
}

function sizeText(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${Math.ceil(bytes / 1024).toLocaleString()} KiB`;
}

/** Files beside a terminal: looks around, fetches and sends. */
export async function openFiles(terminal: string): Promise<void> {
  let folder = "";
  let maxFileBytes = 0;
  let turns = 0;
  const place = h("input", { name: "folder", autocomplete: "off", spellcheck: false, value: "" });
  const go = h("form", { className: "place" }, field("Directory", place), h("button", {}, "Go"));
  const list = h("ul", { className: "rows files" });
  const chooser = h("input", { type: "file", multiple: true, name: "files" });
  const progress = h("p", { className: "hint", role: "status" });
  const pathUrl = (path: string, more = "") =>
    `terminals/${terminal}/file?path=${encodeURIComponent(path)}${more}`;

  const show = async (to: string) => {
    const turn = ++turns;
    const query = `terminals/${terminal}/files?path=${encodeURIComponent(to)}`;
    const listing = await api<Listing>("GET", query);
    // Somebody went on meanwhile: the later answer counts, and what is being typed stays.
    if (turn !== turns) return;
    if (place.value === folder) place.value = to;
    folder = to;
    maxFileBytes = listing.maxFileBytes;
    const rows = listing.entries.map(row);
    if (folder !== "" && folder !== "/") rows.unshift(h("li", {}, step("..", parentOf(folder))));
    list.replaceChildren(...(rows.length > 0 ? rows : [h("li", { className: "hint" }, "It is empty.")]));
  };
  const step = (name: string, to: string) => {
    const button = h("button", { type: "button", className: "folder" }, `${name}/`);
    button.onclick = () => {
      place.value = folder;
      void show(to).catch(said);
    };
    return button;
  };
  const row = ({ name, kind, byteLength, modifiedMs }: Entry) => {
    const path = joined(folder, name);
    if (kind === "directory") return h("li", {}, step(name, path));
    const note = `${sizeText(byteLength)} · ${when(modifiedMs)}`;
    const fetching = h("a", { href: urlOf(pathUrl(path)).href, download: name }, "Fetch");
    const isSmall = byteLength <= maxFileBytes;
    return h("li", {}, h("span", {}, name, h("small", {}, note)), kind === "file" && isSmall && fetching);
  };
  const send = async (file: File) => {
    if (file.size > maxFileBytes) {
      throw new ApiError(413, { message: `${file.name} is larger than ${sizeText(maxFileBytes)}.` });
    }
    progress.textContent = `Sending ${file.name} …`;
    const path = joined(folder, file.name);
    try {
      await sendFile(pathUrl(path), file);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) throw error;
      if (!(await confirmed(`Replace ${file.name}?`, "Replace it"))) return;
      await sendFile(pathUrl(path, "&overwrite=true"), file);
    }
    toast(`${file.name} was sent.`);
  };
  const sendAll = async (files: readonly File[]) => {
    chooser.disabled = true;
    try {
      for (const file of files) await send(file);
      await show(folder);
    } finally {
      progress.textContent = "";
      chooser.value = "";
      chooser.disabled = false;
    }
  };
  go.onsubmit = (event) => {
    event.preventDefault();
    void show(place.value.trim()).catch(said);
  };
  chooser.onchange = () => void sendAll([...(chooser.files ?? [])]).catch(said);
  dialog("Files", go, list, field("Send files", chooser), progress);
  await show("").catch(said);
}
