"use strict";
// The page's own script: shows the parts that the server paints, and hands clicks on. The server decides; nothing that
// comes over the stream but the server's own HTML, in which all data is escaped, is put into the page.

const STORED = "momentum_kit_key";
const SURE_MS = 5000; // a button that asks again is open for so long
const SILENT_MS = 8000; // without a word for so long the stream is begun anew
const RETRY_MS = 1000;
const APART_MS = 500; // so long a button that asks again is closed: a second click that is sooner is the hand's own
const PATIENCE_MS = 8000; // for an answer
const byId = (id) => document.getElementById(id);

let controls = { open: [], close: [], killing: false };
let step = null; // of a kill that was asked for
let askedAt = 0; // when its second step opened
let stream = null;
let heardAt = Date.now();

function headers() {
  return { "Content-Type": "application/json", "X-Momentum-Kit-Key": localStorage.getItem(STORED) || "" };
}

function say(words, bad) {
  const said = byId("said");
  said.textContent = words;
  said.className = words ? `mk-words ${bad ? "mk-words-bad" : ""}` : "";
}

async function send(path, content) {
  // null where nobody answered: what became of it is then seen above, and never guessed
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST", headers: headers(), body: JSON.stringify(content), signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    say("No answer: whether this arrived is not known. What is shown above, once it moves again, is what happened; " +
        "to press again does no harm.", true);
    return null;
  }
  const told = await answer.json().catch(() => ({ error: `status ${answer.status}` }));
  if (answer.status === 401 && path !== "/login") showDoor("logged out: log in again");
  else if (!answer.ok) say(told.error, true);
  return answer.ok ? told : null;
}

// -- buttons -----------------------------------------------------------------------------------------------------------

function sure(button, words, act) {
  // the first click opens the second
  if (button.classList.contains("sure")) {
    calm(button);
    act();
    return;
  }
  button.askedAt = Date.now();
  setTimeout(paintControls, APART_MS + 1);
  button.dataset.calm = button.textContent;
  button.textContent = words;
  button.classList.add("sure");
  button.timer = setTimeout(() => calm(button), SURE_MS);
  paintControls();
}

const young = (since) => Date.now() - (since || 0) < APART_MS;

function calm(button) {
  clearTimeout(button.timer);
  if (button.classList.contains("sure")) button.textContent = button.dataset.calm;
  button.classList.remove("sure");
}

async function command(content, words) {
  say(`${words}: sent …`, false);
  if (await send("/command", content)) say("", false);
}

for (const button of document.querySelectorAll("[data-command]")) {
  const act = () => command({ command: button.dataset.command }, button.textContent);
  button.addEventListener("click", () => (button.dataset.sure ? sure(button, button.dataset.sure, act) : act()));
}

function paintControls() {
  for (const button of document.querySelectorAll("[data-command]")) {
    const open = controls.open.includes(button.dataset.command);
    if (!open) calm(button);
    button.disabled = !open || young(button.askedAt);
  }
  byId("kill-ask").disabled = controls.killing || step !== null;
  byId("kill").disabled = controls.killing || step === null || young(askedAt);
  const row = byId("close");
  const shown = new Map([...row.children].map((button) => [button.dataset.symbol, button]));
  for (const [symbol, button] of shown) {
    if (!controls.close.includes(symbol)) button.remove();
    button.disabled = young(button.askedAt);
  }
  for (const symbol of controls.close) {
    if (shown.has(symbol)) continue;
    const button = document.createElement("button");
    button.className = "mk-button";
    button.dataset.symbol = symbol;
    button.textContent = `Close ${symbol}`;
    button.addEventListener("click", () =>
      sure(button, `Sure? Close ${symbol}`, () => command({ command: "close", symbol }, `Close ${symbol}`)));
    row.append(button);
  }
}

function closeKill() {
  step = null;
  byId("kill-words").replaceChildren();
  paintControls();
}

byId("kill-ask").addEventListener("click", async () => {
  const told = await send("/kill/ask", {});
  if (!told) return;
  step = told.step;
  byId("kill-words").innerHTML = told.words;
  askedAt = Date.now();
  setTimeout(paintControls, APART_MS + 1);
  paintControls();
  setTimeout(() => { if (step === told.step) closeKill(); }, told.open_s * 1000);
});

byId("kill").addEventListener("click", async () => {
  const given = step;
  closeKill();
  say("kill: sent …", false);
  if (await send("/kill", { step: given })) say("", false);
});

// A key that is held down is pressed once.
document.addEventListener("keydown", (event) => {
  if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
}, true);

// -- what is shown -----------------------------------------------------------------------------------------------------

function show(parts) {
  for (const [name, content] of Object.entries(parts)) {
    if (name === "controls") {
      controls = content;
      paintControls();
    } else if (byId(`part-${name}`)) {
      byId(`part-${name}`).innerHTML = content;
    }
  }
}

function line(words) {
  byId("line").hidden = !words;
  byId("line").textContent = words;
  byId("page").classList.toggle("mk-cut", Boolean(words));
  if (words) {
    controls = { ...controls, open: [], close: [] };
    paintControls();
  }
}

async function follow() {
  // Sends its key in a header, which an EventSource cannot: so no page of another origin can follow, cookie or not.
  stream = new AbortController();
  heardAt = Date.now();
  const own = stream;
  try {
    const answer = await fetch("/events", { headers: headers(), cache: "no-store", signal: own.signal });
    if (answer.status === 401) return showDoor("");
    if (!answer.ok) {
      line((await answer.json()).error);
      return later();
    }
    heardAt = Date.now();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let waiting = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      heardAt = Date.now();
      line("");
      const events = (waiting + value).split("\n\n");
      waiting = events.pop();
      for (const event of events) show(JSON.parse(event.slice(event.indexOf("data: ") + 6)));
    }
  } catch { /* the line below says it */ }
  if (own === stream) {
    line("NO CONNECTION to the page's server: what stands below is OLD. The session goes on without this page.");
    later();
  }
}

function later() {
  setTimeout(follow, RETRY_MS);
}

setInterval(() => {
  if (stream && !byId("page").hidden && Date.now() - heardAt > SILENT_MS) {
    heardAt = Date.now(); // a phone that slept: its stream is there and dead
    stream.abort();
  }
}, 1000);

// -- the door ----------------------------------------------------------------------------------------------------------

function showDoor(words) {
  localStorage.removeItem(STORED);
  if (stream) { const old = stream; stream = null; old.abort(); }
  byId("page").hidden = true;
  for (const part of document.querySelectorAll("[id^=part-]")) part.replaceChildren(); // not ours to leave behind
  controls = { open: [], close: [], killing: false };
  closeKill();
  say("", false);
  byId("door").hidden = false;
  byId("refused").textContent = words;
  byId("token").focus();
}

function showPage() {
  byId("door").hidden = true;
  byId("page").hidden = false;
  follow();
}

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("refused").textContent = "";
  let answer;
  try {
    answer = await fetch("/login", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: byId("token").value.trim() }), signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    byId("refused").textContent = "no answer from the page's server";
    return;
  }
  const told = await answer.json();
  if (!answer.ok) {
    byId("refused").textContent = told.error;
    return;
  }
  byId("token").value = "";
  localStorage.setItem(STORED, told.key);
  showPage();
});

byId("ack").addEventListener("click", () => command({ command: "ack" }, "ack"));

byId("logout").addEventListener("click", async () => {
  await send("/logout", {});
  showDoor("");
});

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => { document.documentElement.dataset.jpThemeLight = String(!dark.matches); };
dark.addEventListener("change", theme);
theme();
if (localStorage.getItem(STORED)) showPage();
else showDoor("");
