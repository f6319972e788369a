// Keeps the page fresh: exchanges by server-sent events, the rest by asking for the page again.
"use strict";

const ROWS = 100;
const EVERY = 5000;
const rows = document.getElementById("tail-rows");
const live = document.getElementById("live");
const pause = document.getElementById("pause");
let paused = false;

function cell(row, text, kind) {
  const made = row.insertCell();
  made.textContent = text; // text only: names, paths and reasons come from strangers
  if (kind) made.className = kind;
}

function add(one) {
  const row = rows.insertRow(0);
  row.dataset.exchange = one.id;
  row.className = `fresh ${one.outcome}`;
  cell(row, new Date(one.started * 1000).toISOString().slice(11, 19));
  cell(row, one.gate);
  cell(row, `${one.method} ${one.gate === "mcp" && one.part ? one.part : one.path}`);
  cell(row, one.route);
  cell(row, one.status, "n");
  cell(row, one.refusal ? `${one.outcome}: ${one.refusal}` : one.outcome);
  cell(row, one.team ? `${one.team} / ${one.consumer}` : "–");
  cell(row, one.duration_ms.toFixed(1), "n");
  cell(row, one.tokens, "n");
  cell(row, one.cost, "n");
  while (rows.rows.length > ROWS) rows.deleteRow(-1);
}

function watch() {
  const after = document.getElementById("tail").dataset.after;
  const source = new EventSource(`/admin/v1/tail?after=${encodeURIComponent(after)}`);
  source.addEventListener("open", () => { live.textContent = paused ? "paused" : "live"; });
  source.addEventListener("error", () => { live.textContent = "not connected"; });
  source.addEventListener("exchange", (event) => { if (!paused) add(JSON.parse(event.data)); });
}

async function refresh() {
  if (document.hidden || paused) return;
  const answer = await fetch("/", { headers: { "x-background": "1", accept: "text/html" } });
  if (answer.redirected) { location.assign(answer.url); return; }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-refresh]")) {
    const now = fresh.getElementById(old.id);
    if (now && now.innerHTML !== old.innerHTML && !old.contains(document.activeElement)) old.replaceWith(now);
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Resume" : "Pause";
  live.textContent = paused ? "paused" : "live";
});
watch();
setInterval(() => { refresh().catch(() => { live.textContent = "not connected"; }); }, EVERY);
