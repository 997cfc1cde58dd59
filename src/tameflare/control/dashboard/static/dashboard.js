"use strict";
// Keeps a page up to date: it is told by the server that there is news, fetches itself anew, and takes over what
// changed. Without it the pages work as well. Nothing here builds HTML from text.

const PACE = 1000;
const POLL = 10000;
const live = document.getElementById("live");
const sources = new WeakMap();

// --- what the server sent of a node, before this script touched it ---------------------------------------------------

function remember(root) {
  for (const node of root.querySelectorAll("[data-live], [data-list] > *")) sources.set(node, node.outerHTML);
  if (root.matches?.("[data-live], [data-list] > *")) sources.set(root, root.outerHTML);
}

function source(node) {
  return sources.get(node) ?? node.outerHTML;
}

// --- taking over a fresh page ----------------------------------------------------------------------------------------

function takeOver(fresh) {
  document.title = fresh.title;
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (next && source(old) !== next.outerHTML) patch(old, document.importNode(next, true));
  }
}

function patch(old, next) {
  const before = old.querySelector("[data-list]");
  const after = next.querySelector("[data-list]");
  remember(next);
  if (before && after && before.id === after.id) keepItems(before, after);
  keepTyped(old, next);
  const focus = focused(old);
  old.replaceWith(next);
  dress(next);
  focus?.(next);
}

// Items that are the same stay the same nodes, with whatever a person typed or opened in them.
function keepItems(before, after) {
  const known = new Map(Array.from(before.children, (item) => [item.id, item]));
  for (const item of Array.from(after.children)) {
    const old = known.get(item.id);
    if (!old) item.classList.add("fresh");
    else if (source(old) === source(item)) item.replaceWith(old);
  }
}

function keepTyped(old, next) {
  for (const field of old.querySelectorAll("input:not([type=hidden]), select")) {
    const form = field.form?.id && next.querySelector(`#${CSS.escape(field.form.id)}`);
    const twin = form && fieldLike(form, field);
    if (twin && twin.type === "radio") twin.checked = field.checked;
    else if (twin) twin.value = field.value;
  }
  for (const details of old.querySelectorAll("details[open][id]")) {
    const twin = next.querySelector(`#${CSS.escape(details.id)}`);
    if (twin) twin.open = true;
  }
}

function fieldLike(form, field) {
  return Array.from(form.elements).find(
    (other) => other.name === field.name && (field.type !== "radio" || other.value === field.value),
  );
}

// How to give the focus back to the twin of the element that has it.
function focused(old) {
  const active = document.activeElement;
  if (!active || !old.contains(active) || active === old) return null;
  const order = (root) => Array.from(root.querySelectorAll("a, button, input, select, summary"));
  const place = order(old).indexOf(active);
  const owner = active.closest("[id]")?.id;
  return (next) => {
    if (document.contains(active)) return active.focus({ preventScroll: true });
    const near = owner && owner !== old.id ? next.querySelector(`#${CSS.escape(owner)}`) : null;
    const like = (candidate) => candidate.tagName === active.tagName && candidate.name === active.name;
    const candidates = near ? [near, ...order(near)].filter(like) : [order(next)[place]];
    candidates[0]?.focus({ preventScroll: true });
  };
}

// --- times -----------------------------------------------------------------------------------------------------------

function dress(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
    const shape = time.dataset.shape === "clock" ? clock : { dateStyle: "medium", timeStyle: "medium" };
    time.title = time.title || time.textContent;
    time.textContent = new Intl.DateTimeFormat(undefined, shape).format(moment);
  }
  count(root);
}

// By the server's clock: the reader's own may be wrong.
const skew = document.body.dataset.now ? Number(document.body.dataset.now) - Date.now() / 1000 : 0;

function count(root) {
  for (const until of root.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.round(Number(until.dataset.until) - skew - Date.now() / 1000));
    const hours = Math.floor(left / 3600);
    const parts = [hours, Math.floor(left / 60) % 60, left % 60].map((part) => String(part).padStart(2, "0"));
    until.title = until.title || until.textContent;
    until.textContent = left ? `${(hours ? parts : parts.slice(1)).join(":")} left` : "time is over";
    until.classList.toggle("soon", left < 60);
  }
}

// --- news ------------------------------------------------------------------------------------------------------------

let stream = null;
let last = 0;
let due = null;
let busy = false;
let again = false;

function tell(text, state) {
  if (!live || live.dataset.state === state) return;
  live.dataset.state = state;
  live.textContent = text;
}

function look() {
  due ??= setTimeout(refresh, Math.max(0, last + PACE - Date.now()));
}

async function refresh() {
  due = null;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  last = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { "X-TameFlare-Live": "1" }, credentials: "same-origin" });
    if (answer.status === 401) return location.reload();
    if (answer.ok) takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (stream?.readyState !== EventSource.OPEN) tell("Looks for news every 10 seconds", "poll");
  } catch {
    tell("The server does not answer; trying again", "lost");
  } finally {
    busy = false;
    if (again) look();
    again = false;
  }
}

function listen() {
  if (document.hidden || stream) return;
  stream = new EventSource(`/dashboard/events?topics=${document.body.dataset.topics}`);
  stream.addEventListener("open", () => {
    tell("Live", "live");
    look();
  });
  stream.addEventListener("news", look);
  stream.addEventListener("beat", look);
}

// Browsers allow few streams at a time: a page that nobody looks at gives its own back, and polls.
function mute() {
  stream?.close();
  stream = null;
}

function isLive() {
  return stream !== null && stream.readyState === EventSource.OPEN;
}

// --- forms -----------------------------------------------------------------------------------------------------------

// The second of two quick clicks is not sent.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});

// One menu is open at a time, and Escape or a click elsewhere closes it.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  const menu = document.activeElement?.closest("details.menu[open]");
  if (event.key !== "Escape") return;
  closeMenus(null);
  menu?.querySelector("summary").focus();
});

// --- start -----------------------------------------------------------------------------------------------------------

window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
remember(document);
dress(document);
setInterval(() => count(document), 1000);
if (document.body.dataset.topics) {
  document.addEventListener("visibilitychange", () => (document.hidden ? mute() : listen()));
  setInterval(() => isLive() || look(), POLL);
  listen();
}
