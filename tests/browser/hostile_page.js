// What a page in somebody's browser can try against an endpoint on the loopback. Runs in the page, with its origin.
// Gives one row per attempt: its name, what the page saw of it, and every character that it could read.
async ({ base, token, waitMs }) => {
  const kill = JSON.stringify({ command: "kill", source: "page" });
  const at = (path, name) => `${base}${path}${path.includes("?") ? "&" : "?"}attempt=${encodeURIComponent(name)}`;
  const bearer = given => ({ Authorization: `Bearer ${given}` });

  const read = async (name, path, options = {}) => {
    const response = await fetch(at(path, name), { cache: "no-store", ...options });
    if (response.type === "opaque" || !response.body) return { saw: response.type, text: "" };
    const reader = response.body.getReader();  // an endless stream is read as far as its first piece
    const { value } = await reader.read();
    await reader.cancel();
    return { saw: String(response.status), text: new TextDecoder().decode(value) };
  };
  const post = (name, path, body, type, more = {}) =>
    read(name, path, { method: "POST", body, headers: { "Content-Type": type }, ...more });
  const xhr = (name, method, path, body, type) => new Promise(done => {
    const request = new XMLHttpRequest();
    request.open(method, at(path, name));
    if (type) request.setRequestHeader("Content-Type", type);
    request.onloadend = () => done({ saw: String(request.status || "error"), text: request.responseText });
    request.send(body);
  });
  const element = (kind, name, path, attribute = "src") => new Promise(done => {
    const made = document.createElement(kind);
    if (kind === "link") made.rel = "stylesheet";
    const readable = () => { try { return made.contentDocument?.body?.innerText ?? ""; } catch { return ""; } };
    made.onload = () => done({ saw: "load", text: readable() });
    made.onerror = () => done({ saw: "error", text: "" });
    made[attribute] = at(path, name);
    document.documentElement.append(made);
  });
  const form = (name, path, enctype, field, value) => new Promise(done => {
    const frame = document.createElement("iframe"), made = document.createElement("form");
    frame.name = `frame-${name}`;
    const input = document.createElement("input");
    Object.assign(input, { name: field, value });
    Object.assign(made, { method: "POST", action: at(path, name), enctype, target: frame.name });
    made.append(input);
    document.documentElement.append(frame, made);
    frame.onload = () => {
      let text = "";
      try { text = frame.contentDocument?.body?.innerText ?? ""; } catch { /* not ours to read */ }
      if (frame.contentDocument === null || text) done({ saw: "load", text });
    };
    made.submit();
  });
  const events = name => new Promise(done => {
    const source = new EventSource(at("/events", name), { withCredentials: true });
    const end = (saw, text) => { source.close(); done({ saw, text }); };
    for (const kind of ["message", "status", "log", "connected"])
      source.addEventListener(kind, event => end("event", event.data));
    source.onopen = () => setTimeout(() => end("open", ""), 200);
    source.onerror = () => end("error", "");
  });
  const socket = (name, path) => new Promise(done => {
    const made = new WebSocket(at(path, name).replace("http", "ws"), []);
    made.onopen = () => { made.send(kill); done({ saw: "open", text: "" }); };
    made.onmessage = event => done({ saw: "message", text: String(event.data) });
    made.onerror = () => done({ saw: "error", text: "" });
  });
  const beacon = (name, path, type) => new Promise(done => {
    const address = at(path, name);  // nobody tells a page that a beacon has arrived but the browser's own timings
    const observer = new PerformanceObserver(list => {
      if (list.getEntries().some(entry => entry.name === address)) done({ saw: "sent", text: "" });
    });
    observer.observe({ type: "resource" });
    if (!navigator.sendBeacon(address, new Blob([kill], { type }))) done({ saw: "not sent", text: "" });
  });
  const stolen = { mode: "cors", credentials: "include", headers: bearer(token) };
  const trick = `{"command": "kill", "source": "`;  // a form's NAME=VALUE as JSON: the rest closes the string

  const attempts = {
    "fetch": name => read(name, "/status"),
    "fetch, no-cors": name => read(name, "/status", { mode: "no-cors", credentials: "include" }),
    "fetch, cookies": name => read(name, "/status", { credentials: "include" }),
    "fetch, guessed token": name => read(name, "/status", { headers: bearer("guess") }),
    "fetch, the token": name => read(name, "/status", stolen),
    "fetch, the token in no-cors": name => read(name, "/status", { ...stolen, mode: "no-cors" }),
    "fetch, token in the address": name => read(name, `/status?token=${token}`),
    "fetch of metrics": name => read(name, "/metrics"),
    "fetch of events": name => read(name, "/events"),
    "post kill, JSON": name => post(name, "/command", kill, "application/json"),
    "post kill, JSON, the token": name => read(name, "/command", {
      method: "POST", body: kill, headers: { ...bearer(token), "Content-Type": "application/json" } }),
    "post kill, text/plain": name => post(name, "/command", kill, "text/plain", { credentials: "include" }),
    "post kill, text/plain, no-cors": name => post(name, "/command", kill, "text/plain", { mode: "no-cors" }),
    "post kill, keepalive": name => post(name, "/command", kill, "text/plain", { mode: "no-cors", keepalive: true }),
    "post start, no-cors": name => post(name, "/start", "{}", "text/plain", { mode: "no-cors" }),
    "post thresholds, no-cors": name => post(
      name, "/thresholds", JSON.stringify({ values: { min_z_tod: 0 } }), "text/plain", { mode: "no-cors" }),
    "xhr": name => xhr(name, "GET", "/status"),
    "xhr kill, JSON": name => xhr(name, "POST", "/command", kill, "application/json"),
    "xhr kill, text/plain": name => xhr(name, "POST", "/command", kill, "text/plain"),
    "form kill, text/plain": name => form(name, "/command", "text/plain", trick, `"}`),
    "form kill, urlencoded": name => form(name, "/command", "application/x-www-form-urlencoded", "command", "kill"),
    "img": name => element("img", name, "/status"),
    "script": name => element("script", name, "/status"),
    "stylesheet": name => element("link", name, "/status", "href"),
    "frame": name => element("iframe", name, "/status"),
    "EventSource": name => events(name),
    "WebSocket at events": name => socket(name, "/events"),
    "WebSocket at command": name => socket(name, "/command"),
    "sendBeacon kill, text/plain": name => beacon(name, "/command", "text/plain"),
    "sendBeacon kill, JSON": name => beacon(name, "/command", "application/json"),
  };
  const silence = () => new Promise(done => setTimeout(() => done({ saw: "nothing", text: "" }), waitMs));
  const tried = async ([name, attempt]) => {
    const got = await Promise.race([attempt(name), silence()]).catch(error => ({ saw: error.name, text: "" }));
    return { name, ...got };
  };
  return Promise.all(Object.entries(attempts).map(tried));
}
