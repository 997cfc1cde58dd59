// Which proxy a request goes to, as the environment says it.
"use strict";

const DEFAULT_PORT = { "http:": 80, "https:": 443 };
const proxies = { "http:": proxyOf("HTTP_PROXY"), "https:": proxyOf("HTTPS_PROXY") };
const direct = fromEnvironment("NO_PROXY").toLowerCase().split(/[\s,]+/).filter(Boolean).map(pattern);

function fromEnvironment(name) {
  return process.env[name.toLowerCase()] || process.env[name] || "";
}

function proxyOf(variable) {
  const value = fromEnvironment(variable);
  if (!value) return null;
  const url = new URL(value.includes("://") ? value : "http://" + value);
  if (!(url.protocol in DEFAULT_PORT)) return null;
  const pair = decodeURIComponent(url.username) + ":" + decodeURIComponent(url.password);
  return {
    encrypted: url.protocol === "https:",
    host: bare(url.hostname),
    port: Number(url.port) || DEFAULT_PORT[url.protocol],
    authorization: pair === ":" ? null : "Basic " + Buffer.from(pair).toString("base64"),
  };
}

// The proxy for a host; null where it is reached directly: named in NO_PROXY, or the proxy itself.
function wayTo(protocol, host, port) {
  const proxy = proxies[protocol];
  if (!proxy || (proxy.host === host && proxy.port === port)) return null;
  return direct.some((fits) => fits(host.toLowerCase(), port)) ? null : proxy;
}

// An entry of NO_PROXY, as Node reads it: `*`, a host, `.domain` or `*.domain` for all below it, each also with a port.
function pattern(entry) {
  if (entry === "*") return () => true;
  const found = /^(.*[^:]):(\d+)$/.exec(entry);
  const name = bare(found ? found[1] : entry);
  const fits = /^\*?\./.test(name) ? (host) => host.endsWith(name.replace(/^\*/, "")) : (host) => host === name;
  return (host, port) => (!found || Number(found[2]) === port) && fits(host);
}

// A host without the brackets that an IPv6 address has in a URL.
function bare(host) {
  return host.replace(/^\[(.*)\]$/, "$1");
}

module.exports = { DEFAULT_PORT, bare, wayTo, hasProxy: Boolean(proxies["http:"] || proxies["https:"]) };
