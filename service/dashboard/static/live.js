// Puts a fresh list of alerts in place when one changes. The page works without this.
"use strict";

(() => {
  const live = document.getElementById("live");
  const told = document.getElementById("live-told");
  if (!live || !("EventSource" in window)) return;

  let waiting = null;

  async function refresh() {
    waiting = null;
    const answer = await fetch(live.dataset.section, { redirect: "error", cache: "no-store" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (fresh.innerHTML.trim() === live.innerHTML.trim()) return;
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    live.replaceChildren(...fresh.childNodes);
    if (focused && !document.activeElement.getAttribute("href")) {
      const again = live.querySelector(`a[href="${CSS.escape(focused)}"]`);
      if (again) again.focus();
    }
    told.textContent = "The list of alerts has changed.";
  }

  // A batch of reports changes many alerts at once: look once.
  function lookSoon() {
    if (waiting === null) waiting = setTimeout(() => refresh().catch(() => {}), 500);
  }

  const stream = new EventSource(live.dataset.stream);
  stream.addEventListener("open", lookSoon); // something may have changed while nobody listened
  stream.addEventListener("alerts", lookSoon);
})();
