// Leads the HTTP clients of a Node process through the proxy that HTTP_PROXY and HTTPS_PROXY name.
//
// Node before 22.21 and 24.5 takes no proxy from the environment, and later ones take it for `fetch` and for their global
// agents, not for agents that a library makes itself. `tf run` preloads this file by NODE_OPTIONS. It does for each part
// what Node does not do, and nothing where Node does. Every request goes through a CONNECT tunnel; the authorities that
// are trusted in it come from NODE_EXTRA_CA_CERTS. HTTP/2 sessions and sockets that are no HTTP are left alone.
"use strict";

const LOADED = Symbol.for("tameflare.preload");

if (!globalThis[LOADED] && require("./route.cjs").hasProxy) {
  Object.defineProperty(globalThis, LOADED, { value: true });
  require("./agents.cjs").tunnel();
  require("./undici.cjs").tunnel();
}
