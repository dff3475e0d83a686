// Tabs by the pattern of ARIA: arrow keys move between them; the address names the open one.

import { find } from "./dom.js";

export function startTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const open = (tab) => {
    for (const one of tabs) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      find(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
  };
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => {
      history.replaceState(null, "", `#${tab.id.replace("tab-", "")}`);
      open(tab);
    });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const next = tabs[(number + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });
  open(find(`tab-${location.hash.slice(1)}`) ?? tabs[0]);
}
