// Tells whoever looks at a page that the alerts have changed, and puts a fresh list in place where
// the page shows it. Every page works without this.
"use strict";

(() => {
  const told = document.getElementById("live-told");
  if (!told || !("EventSource" in window)) return;
  const list = document.getElementById("live");

  let stream = null;
  let waiting = null;

  function tell() {
    told.textContent = "The list of alerts has changed.";
    if (list) return;
    const link = document.createElement("a");
    link.href = "/";
    link.textContent = "Open alerts";
    told.append(" ", link);
  }

  async function refresh() {
    const answer = await fetch(list.dataset.section, { redirect: "error", cache: "no-store" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (fresh.innerHTML.trim() === list.innerHTML.trim()) return;
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    list.replaceChildren(...fresh.childNodes);
    if (focused && !document.activeElement.getAttribute("href")) {
      const again = list.querySelector(`a[href="${CSS.escape(focused)}"]`);
      if (again) again.focus();
    }
    tell();
  }

  // A batch of reports changes many alerts at once: look once.
  function lookSoon() {
    if (waiting !== null) return;
    waiting = setTimeout(() => {
      waiting = null;
      refresh().catch(() => {});
    }, 500);
  }

  // Keeps in the page the last entry of the alerts' history that it has heard of.
  function listen() {
    const { heard } = told.dataset;
    stream = new EventSource(heard ? `/live?after=${heard}` : "/live");
    stream.addEventListener("here", (event) => (told.dataset.heard = event.lastEventId));
    stream.addEventListener("alerts", (event) => {
      told.dataset.heard = event.lastEventId;
      if (list) lookSoon();
      else tell();
    });
    // Something may have changed while the page was on its way.
    if (list) stream.addEventListener("open", lookSoon);
  }

  // A browser keeps few connections to a service: pages that nobody looks at hold none.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && stream) {
      stream.close();
      stream = null;
    } else if (!document.hidden && !stream) {
      listen();
    }
  });
  if (!document.hidden) listen();
})();
