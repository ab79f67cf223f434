// @ts-check
// Filters of the leaderboard where no server makes a page for each: rows are hidden here. Where the links of a filter lead
// to pages of their own, it does nothing. A classic script, so that a page opened from a disk has it too.

(() => {
  document.addEventListener("DOMContentLoaded", () => {
    /** @type {NodeListOf<HTMLElement>} */
    const filters = document.querySelectorAll("[data-filter][data-here]");
    /** @type {NodeListOf<HTMLElement>} */
    const rows = document.querySelectorAll("tr[data-where]");
    const told = document.querySelector("[data-filter-told]");
    /** @type {Record<string, string>} */
    const chosen = { where: "", price: "" };

    const show = () => {
      let shown = 0;
      for (const row of rows) {
        const { where, usd } = row.dataset;
        const cheap = chosen.price === "" || where === "self" || (usd !== "" && Number(usd) <= Number(chosen.price));
        row.hidden = !(cheap && (chosen.where === "" || chosen.where === where));
        if (!row.hidden) shown += 1;
      }
      if (told !== null) told.textContent = `${shown} of ${rows.length} models shown`;
    };

    for (const filter of filters) {
      filter.hidden = false;
      filter.addEventListener("click", (event) => {
        const link = event.target instanceof Element ? event.target.closest("a") : null;
        if (link === null) return;
        event.preventDefault();
        chosen[filter.dataset.filter ?? ""] = link.dataset.value ?? "";
        for (const each of filter.querySelectorAll("a")) each.removeAttribute("aria-current");
        link.setAttribute("aria-current", "true");
        show();
      });
    }
  });
})();
