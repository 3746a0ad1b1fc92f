const form = document.querySelector("form");
const list = document.querySelector("ul");
const status = document.querySelector("[role=status]");

function show({ text }) {
  const item = document.createElement("li");
  item.textContent = text;
  list.append(item);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch("/api/notes", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text: form.elements.text.value }),
  });
  const body = await answer.json();
  status.textContent = answer.ok ? "" : body.title;
  if (!answer.ok) return;
  show(body);
  form.reset();
});

for (const note of await (await fetch("/api/notes")).json()) show(note);
